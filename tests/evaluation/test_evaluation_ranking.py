from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic import make_collection

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation import Setting, likeness, rank_works
from artsim.snapshot.state import find_space

SETTINGS = [
    Setting(),
    Setting(aspects={"subject": 1.0}),
    Setting(aspects={"subject": 0.2, "style": 1.0, "color": 0.5}),
    Setting(aspects={"color": 1.0}),
    Setting(ranking="likeness"),
    Setting(ranking="cosine"),
    Setting(encoder="space-1"),
]


def full_order(collection: Collection, setting: Setting) -> list[list[str]]:
    """For every work, the ids of all other works, best first."""
    state = collection.state

    def others(row: int) -> np.ndarray:
        return np.arange(len(state)) != row

    space = find_space(state, setting.encoder)
    blocks = rank_works(space, setting, np.arange(len(state)), others)
    return [[collection.ids[row] for row in order[:-1]] for _, orders in blocks for order in orders]


@pytest.mark.parametrize(
    ("setting", "index_kind"), [*((setting, "flat") for setting in SETTINGS), (SETTINGS[2], "fp16")], ids=str
)
def test_the_full_ranking_is_the_order_of_the_search(setting: Setting, index_kind: str) -> None:
    collection = make_collection(spaces=2, index_kind=index_kind)
    searched = [
        [
            match.id
            for match in collection.search(
                work=identity,
                k=len(collection),
                aspects=setting.aspects,
                ranking=setting.ranking,
                encoder=setting.encoder,
            )
        ]
        for identity in collection.ids
    ]
    assert full_order(collection, setting) == searched


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_likeness_equals_the_scores_of_a_search_by_likeness(setting: Setting) -> None:
    collection = make_collection(spaces=2)
    by_likeness = dataclasses.replace(setting, ranking="cosine" if setting.ranking == "cosine" else "likeness")
    matches = collection.search(
        work=collection.ids[7],
        k=20,
        aspects=setting.aspects,
        ranking=by_likeness.ranking,
        encoder=setting.encoder,
    )
    scores = likeness(find_space(collection.state, setting.encoder), by_likeness, np.array([7]))[0]
    np.testing.assert_allclose([match.score for match in matches], scores[[match.row for match in matches]], atol=1e-6)


def test_the_block_size_does_not_change_the_ranking(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = full_order(collection, Setting())
    monkeypatch.setattr("artsim.evaluation.full_ranking._BLOCK_SCORES", 3 * len(collection))
    assert full_order(collection, Setting()) == whole


def test_an_unknown_ranking_is_refused() -> None:
    with pytest.raises(QueryError, match="no ranking 'bm25'; choose among tuned"):
        Setting(ranking="bm25")  # type: ignore[arg-type]


def test_a_setting_prints_as_its_preset_or_its_weights() -> None:
    assert str(Setting()) == "tuned, balanced"
    assert str(Setting(aspects={"subject": 1, "style": 0.5})) == "tuned, subject 1 style 0.5"
