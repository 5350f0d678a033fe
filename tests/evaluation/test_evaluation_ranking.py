"""Full rankings, of one encoder or of several, match the search; selection by margin picks the useful encoder."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import make_collection

from artsim import build_collection, open_source
from artsim.encoders import load_encoder
from artsim.evaluation import Setting, Task, evaluate
from artsim.evaluation.ranking import rank_works

ART_EVAL = Path(__file__).resolve().parents[3] / "shared" / "art-eval"


MODES: list[dict[str, Any]] = [
    {"encoder": "space-1", "aspects": {"subject": 0.2, "style": 1.0, "color": 0.5}},
    {"encoder": "auto"},
    {"encoder": "auto", "auto": "mean-cosine"},
    {"encoder": "fusion"},
    {"encoder": "fusion", "fusion": "reciprocal-rank", "encoder_weights": {"space-1": 2}},
]


@pytest.mark.parametrize("ranking", ["tuned", "likeness", "cosine"])
@pytest.mark.parametrize("mode", MODES, ids=lambda options: " ".join(map(str, options.values())))
def test_the_ranking_is_the_order_of_the_search(mode: dict[str, Any], ranking: Any) -> None:
    collection = make_collection(spaces=2)
    evaluation = evaluate(collection, Task(label="artist", max_queries=6), Setting(ranking=ranking, **mode))
    labelled = [work for work in collection.ids if collection.work(work)["artist"] != "Unknown"]
    for identity, top in zip(evaluation.ids, evaluation.top, strict=True):
        matches = collection.search(work=identity, where={"id": labelled}, k=10, ranking=ranking, **mode)
        assert [match.row for match in matches] == top.tolist()


def test_a_full_ranking_holds_every_candidate_once() -> None:
    collection = make_collection()
    candidates = np.arange(len(collection)) % 7 > 0
    whole, scores, spaces = rank_works(collection, Setting(), 3, candidates)
    assert sorted(whole.tolist()) == np.flatnonzero(candidates).tolist()
    assert (np.diff(scores) <= 0).all()
    assert spaces == ["space-0"]


def test_auto_selects_the_first_of_two_equal_encoders() -> None:
    collection = make_collection()
    (space,) = collection.state.spaces
    twin = dataclasses.replace(space, statistics=dataclasses.replace(space.statistics, name="twin"))
    collection.state = dataclasses.replace(collection.state, spaces=(space, twin))
    evaluation = evaluate(collection, Task(label="artist"), Setting(encoder="auto"))
    assert dict(evaluation.answered) == {"space-0": 44, "twin": 0}


def test_a_setting_prints_as_its_preset_or_its_weights() -> None:
    assert str(Setting()) == "tuned, balanced"
    assert str(Setting(aspects={"subject": 1, "style": 0.5})) == "tuned, subject 1 style 0.5"


@pytest.mark.slow
@pytest.mark.skipif(not ART_EVAL.is_dir(), reason="needs the labelled paintings of ../shared/art-eval")
def test_auto_selects_the_useful_encoder_and_mean_cosine_the_narrower_cone(
    embedded: Any, checkpoint: Any, tmp_path: Path
) -> None:
    """Compare the embedded encoder with random networks, which find almost nothing but have higher cosines."""
    with (ART_EVAL / "metadata.csv").open(encoding="utf-8", newline="") as file:
        works = list(csv.DictReader(file))
    artists = ("Claude Monet", "Rembrandt", "Raphael", "Vincent van Gogh")
    rows = [row for name in artists for row in [work for work in works if work["artist"] == name][:10]]
    assert len(rows) == 40
    pictures = [{"file_name": f"{number:02d}.jpg", "artist": row["artist"]} for number, row in enumerate(rows)]
    for row, picture in zip(rows, pictures, strict=True):
        shutil.copy(ART_EVAL / row["file_name"], tmp_path / picture["file_name"])
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, pictures)), encoding="utf-8")
    random = [load_encoder(str(checkpoint(name))) for name in ("clip", "resnet")]
    collection = build_collection(open_source(f"folder:{tmp_path}"), [*random, embedded], tmp_path / "out")
    task = Task(label="artist")
    alone = evaluate(collection, task, Setting(encoder="embedded"))
    auto = evaluate(collection, task, Setting(encoder="auto"))
    mean_cosine = evaluate(collection, task, Setting(encoder="auto", auto="mean-cosine"))
    fused = evaluate(collection, task, Setting(encoder="fusion"))
    assert auto.answered["embedded"] >= 28  # of 40; the larger a collection, the surer
    assert mean_cosine.answered["embedded"] <= 4
    best = alone.means()["map"]
    assert auto.means()["map"] > best - 0.08
    assert mean_cosine.means()["map"] < best - 0.15
    assert mean_cosine.means()["map"] < fused.means()["map"] < best
