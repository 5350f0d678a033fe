"""Figures on the 473 labelled paintings of art-eval: bounds a little below what docs/evaluation.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim.building.pipeline import build_collection
from artsim.collection import Collection
from artsim.evaluation import Setting, Task, evaluate, measure_neighbours
from artsim.sources import open_source

ART_EVAL = Path(__file__).resolve().parents[3] / "shared" / "art-eval"

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(not ART_EVAL.is_dir(), reason="needs the labelled paintings of ../shared/art-eval"),
]


@pytest.fixture(scope="module")
def art_eval(embedded: Any, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return build_collection(open_source(f"folder:{ART_EVAL}"), [embedded], tmp_path_factory.mktemp("art-eval") / "out")


def test_works_of_the_same_artist_come_first(art_eval: Collection) -> None:
    balanced = evaluate(art_eval, Task("artist"), Setting()).means()
    assert balanced["map"] >= 0.415
    assert balanced["precision@1"] >= 0.58
    assert balanced["map"] > evaluate(art_eval, Task("artist"), Setting(ranking="cosine")).means()["map"] + 0.1


def test_no_work_is_a_hub(art_eval: Collection) -> None:
    neighbours = measure_neighbours(art_eval, Setting(), k=8)
    assert neighbours.occurrence_max is not None and neighbours.occurrence_max < 0.06
    assert neighbours.occurrence_skewness is not None and neighbours.occurrence_skewness < 0.6


def test_pictures_from_elsewhere_find_many_different_works(art_eval: Collection, embedded: Any, tmp_path: Path) -> None:
    """The 473 pictures as queries on the Met set: tuned has fewer hubs than likeness alone, though more than one would like."""
    met = build_collection(open_source("met"), [embedded], tmp_path / "met")
    most = {}
    for ranking in ("tuned", "likeness"):
        found = np.zeros(len(met))
        for picture in (art_eval.picture(identity) for identity in art_eval.ids):
            found[[match.row for match in met.search(image=picture, k=8, ranking=ranking)]] += 1  # type: ignore[arg-type]
        most[ranking] = found.max() / len(art_eval)
    print(most)
    assert most["tuned"] < 0.3 < 0.34 < most["likeness"]
