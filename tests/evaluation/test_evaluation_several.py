"""Evaluation in encoder modes: rankings match the search, and selection by margin picks the useful encoder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import make_collection

from artsim import build_collection, open_source
from artsim.encoders import load_encoder
from artsim.evaluation import Setting, Task, evaluate

ART_EVAL = Path(__file__).resolve().parents[3] / "shared" / "art-eval"


@pytest.mark.parametrize("ranking", ["tuned", "likeness", "cosine"])
@pytest.mark.parametrize(
    "several",
    [
        {"encoder": "auto"},
        {"encoder": "auto", "auto": "mean-cosine"},
        {"encoder": "fusion"},
        {"encoder": "fusion", "fusion": "reciprocal-rank", "encoder_weights": {"space-1": 2}},
    ],
    ids=lambda options: " ".join(map(str, options.values())),
)
def test_the_ranking_matches_the_search(several: dict[str, Any], ranking: Any) -> None:
    collection = make_collection(spaces=2)
    evaluation = evaluate(collection, Task(label="artist", max_queries=6), Setting(ranking=ranking, **several))
    for identity, top in zip(evaluation.ids, evaluation.top, strict=True):
        labelled = [work for work in collection.ids if collection.work(work)["artist"] != "Unknown"]
        matches = collection.search(work=identity, where={"id": labelled}, k=10, ranking=ranking, **several)
        assert [match.row for match in matches] == top.tolist()


def test_auto_selects_the_first_of_two_equal_encoders() -> None:
    collection = make_collection(spaces=1)
    (space,) = collection.state.spaces
    import dataclasses

    twin = dataclasses.replace(space, statistics=dataclasses.replace(space.statistics, name="twin"))
    collection.state = dataclasses.replace(collection.state, spaces=(space, twin))
    evaluation = evaluate(collection, Task(label="artist"), Setting(encoder="auto"))
    assert dict(evaluation.answered) == {"space-0": 44, "twin": 0}
    alone = evaluate(collection, Task(label="artist"), Setting())
    np.testing.assert_allclose(evaluation.values, alone.values)
    fused = evaluate(collection, Task(label="artist"), Setting(encoder="fusion", ranking="likeness"))
    plain = evaluate(collection, Task(label="artist"), Setting(ranking="likeness"))
    np.testing.assert_allclose(fused.means()["map"], plain.means()["map"], atol=1e-6)


@pytest.mark.skipif(not ART_EVAL.is_dir(), reason="needs the labelled paintings of ../shared/art-eval")
def test_auto_selects_the_useful_encoder_and_mean_cosine_the_narrower_cone(
    embedded: Any, checkpoint: Any, tmp_path: Path
) -> None:
    """Compare the embedded encoder with random networks, which find almost nothing but have higher cosines."""
    import csv
    import json

    with (ART_EVAL / "metadata.csv").open(encoding="utf-8", newline="") as file:
        works = list(csv.DictReader(file))
    artists = ("Claude Monet", "Rembrandt", "Raphael", "Vincent van Gogh")
    rows = [row for name in artists for row in [work for work in works if work["artist"] == name][:10]]
    assert len(rows) == 40
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, row in enumerate(rows):
        (folder / f"{number:02d}.jpg").write_bytes((ART_EVAL / row["file_name"]).read_bytes())
    lines = [json.dumps({"file_name": f"{n:02d}.jpg", "artist": row["artist"]}) for n, row in enumerate(rows)]
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    random = [load_encoder(str(checkpoint(name))) for name in ("clip", "resnet")]
    collection = build_collection(open_source(f"folder:{folder}"), [*random, embedded], tmp_path / "out")

    def figures(**several: Any) -> Any:
        return evaluate(collection, Task(label="artist"), Setting(**several))

    alone, auto = figures(encoder="embedded"), figures(encoder="auto")
    mean_cosine = figures(encoder="auto", auto="mean-cosine")
    fused = figures(encoder="fusion")
    assert auto.answered["embedded"] >= 28  # of 40; the larger a collection, the surer
    assert mean_cosine.answered["embedded"] <= 4
    best_map, margin_map, mean_cosine_map, fused_map = (
        item.means()["map"] for item in (alone, auto, mean_cosine, fused)
    )
    assert margin_map > best_map - 0.08
    assert mean_cosine_map < best_map - 0.15
    assert mean_cosine_map < fused_map < best_map
