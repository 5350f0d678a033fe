"""Details, reproductions and duplicates of real paintings are found, and the metrics measure it."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim import QueryError, build_collection, open_collection, open_source
from artsim.evaluation import copies, distortions
from artsim.evaluation.copies import FoundAgain, draw_works, overlap

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, embedded: Any) -> Path:
    """40 paintings of The Met, with regions."""
    folder = tmp_path_factory.mktemp("copies") / "met"
    build_collection(open_source("met"), embedded, folder, limit=40, regions=True)
    return folder


@pytest.fixture
def met(folder: Path) -> Any:
    return open_collection(folder)


def test_details_find_their_work_where_whole_pictures_do_not(met: Any) -> None:
    """Lower bounds for the figures of docs/copies.md, which cover all works."""
    ids = draw_works(met, 10, seed=4)
    cuts = (distortions.detail, distortions.small_detail)
    results = {(result.distortion, result.way): result for result in copies.find_details(met, ids, cuts, seed=4)}
    assert results["detail", "detail search"].means()["recall@1"] >= 0.9
    assert results["detail", "detail search"].overlap > 0.4
    assert results["small_detail", "detail search"].means()["recall@1"] >= 0.8
    small_by_whole = results["small_detail", "raw cosine of whole pictures"]
    assert small_by_whole.means()["mrr"] < results["small_detail", "detail search"].means()["mrr"] - 0.15
    assert math.isnan(small_by_whole.overlap)


def test_reproductions_find_their_work(met: Any) -> None:
    ids = draw_works(met, 8, seed=4)
    altered = (distortions.phone, distortions.combined)
    results = copies.with_all_together(copies.find_reproductions(met, ids, altered, seed=4))
    by_way = {result.way: result.means() for result in results if result.distortion == "all"}
    assert by_way["preset same-work"]["recall@1"] >= 0.85
    assert by_way["preset same-work"]["recall@1"] > by_way["raw cosine of whole pictures"]["recall@1"]


def test_altered_copies_are_listed_as_duplicates(met: Any) -> None:
    ids = draw_works(met, 3, seed=4)
    seen: list[tuple[int, int | None]] = []
    listed = copies.find_duplicates_again(
        met,
        ids,
        (distortions.jpeg_30, distortions.recoloured),
        seed=4,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert listed.already == ()
    assert listed.recall >= 0.8
    assert listed.precision == 1.0
    assert set(listed.found) == {"jpeg_30", "recoloured"}
    assert len(met) == 46
    assert seen[-1] == (6, 6)


# --- Metrics -----------------------------------------------------------------------------------------------------------


def test_metrics_are_computed_from_ranks() -> None:
    result = FoundAgain("x", "y", np.array([1, 1, 4, 0]), np.array([0.5, 0.7, np.nan, np.nan]))
    assert result.means() == {"recall@1": 0.5, "recall@5": 0.75, "mrr": pytest.approx((1 + 1 + 0.25) / 4)}
    assert result.overlap == pytest.approx(0.6)
    low, high = result.intervals()["recall@1"]
    assert 0 <= low < 0.5 < high <= 1


def test_intersection_over_union() -> None:
    assert overlap((0, 0, 1, 1), (0, 0, 1, 1)) == 1
    assert overlap((0, 0, 0.5, 1), (0.5, 0, 1, 1)) == 0
    assert overlap((0, 0, 0.5, 1), (0.25, 0, 0.75, 1)) == pytest.approx(1 / 3)


def test_works_are_drawn_by_seed_and_kept_in_order(collection: Any) -> None:
    drawn = draw_works(collection, 7, seed=1)
    assert drawn == draw_works(collection, 7, seed=1) != draw_works(collection, 7, seed=2)
    assert drawn == [identity for identity in collection.ids if identity in drawn]
    assert draw_works(collection, None, seed=0) == draw_works(collection, 1000, seed=0) == collection.ids
    with pytest.raises(QueryError, match="must be at least 1; it is 0"):
        draw_works(collection, 0, seed=0)


# --- The command -------------------------------------------------------------------------------------------------------


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "evaluate_copies.py"), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_prints_tables_and_writes_json(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    options = ["--queries", 2, "--distortions", "jpeg_30", "--what", "same-work,details,duplicates", "--json", target]
    done = run("--collection", folder, *options)
    assert done.returncode == 0, done.stderr
    assert "| jpeg_30, preset same-work | 1.000 |" in done.stdout
    figures = json.loads(target.read_text(encoding="utf-8"))
    assert (figures["works"], figures["queries"], figures["encoder"]) == (40, 2, "embedded")
    assert {entry["way"] for entry in figures["same_work"]} == set(copies.SAME_WORK_WAYS)
    assert {entry["distortion"] for entry in figures["details"]} == {"detail", "small_detail"}
    assert figures["duplicates"]["recall_by_distortion"] == {"jpeg_30": 1.0}
    assert len(open_collection(folder)) == 40, "the collection on disk is unchanged"


def test_bad_input_is_one_error_line_and_exit_code_2(saved: Path) -> None:
    for options, message in (
        (["--what", "likeness"], "There is no measurement likeness; choose among same-work, details, duplicates."),
        (
            ["--what", "details", "--queries", 1],
            "This collection has no region index, so details cannot be found in it.",
        ),
    ):
        done = run("--collection", saved, *options)
        assert done.returncode == 2
        assert done.stderr.strip().startswith(f"Error: {message}"), done.stderr
