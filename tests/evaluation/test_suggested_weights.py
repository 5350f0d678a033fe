from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_collection

from artsim.errors import QueryError
from artsim.evaluation import Task, suggest_weights
from artsim.evaluation.suggested_weights import _choices, _held_out_gains


def test_all_weights_in_fifths_of_the_aspects_that_there_are_are_tried() -> None:
    choices = list(_choices({"subject", "style", "color", "layout"}))
    assert len(choices) == 21 and all(sum(weights.values()) == pytest.approx(1) for weights in choices)
    assert [set(weights) for weights in _choices({"style"})] == [{"style"}]


def test_a_gain_counts_only_on_groups_that_had_no_part_in_the_choice() -> None:
    random, groups = np.random.default_rng(0), np.repeat(np.arange(20), 5)
    chance = random.random((100, 20))  # twenty choices that are all alike
    chosen, count = _held_out_gains(chance, groups, seed=0)
    assert count == 20 and chance.mean(axis=0).max() - chance[:, 0].mean() > 0.05 > chosen.mean()
    better = chance.copy()
    better[:, 7] = better[:, 0] + 0.3
    assert _held_out_gains(better, groups, seed=0)[0].mean() == pytest.approx(0.3)
    with pytest.raises(QueryError, match="one artist or label"):
        _held_out_gains(chance, np.zeros(100, int), seed=0)


@pytest.mark.slow
def test_weights_are_suggested_with_what_they_gain() -> None:
    collection = make_collection(artists=6, works=3)
    told: list[int] = []
    found = suggest_weights(collection, Task("style", "artist"), progress=lambda done, total: told.append(done))
    assert found.as_json()["queries"] == found.queries == 17 and found.groups == 6
    assert found.best_map >= found.default_map and told[-1] == 22 == len(set(told)) - 1
    assert found.interval[0] <= found.gain <= found.interval[1]
    expected = found.weights if found.interval[0] > 0 else found.default
    assert found.as_json()["aspects"] == dict(expected)
