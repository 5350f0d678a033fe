"""Details, reproductions and duplicates of real paintings are found, and the metrics measure it."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim import QueryError, build_collection, open_collection, open_source
from artsim.evaluation import copies, distortions
from artsim.evaluation.copies import FoundAgain, draw_works, intersection_over_union

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, embedded: Any) -> Path:
    """24 paintings of The Met, with regions."""
    folder = tmp_path_factory.mktemp("copies") / "met"
    build_collection(open_source("met"), embedded, folder, limit=24, regions=True)
    return folder


@pytest.fixture
def met(folder: Path) -> Any:
    return open_collection(folder)


@pytest.mark.slow
def test_details_find_their_work_where_whole_pictures_do_not(met: Any) -> None:
    """Lower bounds for the figures of docs/copies.md, which cover all works."""
    ids = draw_works(met, 8, seed=4)
    results = copies.find_reproductions(met, ids, distortions.DETAILS, copies.DETAIL_WAYS, seed=4)
    found = {(result.distortion, result.way): result for result in results}
    assert found["detail", "detail search"].means()["recall@1"] >= 0.9
    assert (found["detail", "detail search"].region_overlap or 0) > 0.4
    small, by_whole = (found["small_detail", way] for way in ("detail search", "raw cosine of whole pictures"))
    assert small.means()["recall@1"] >= 0.75
    assert by_whole.means()["mrr"] < small.means()["mrr"] - 0.15
    assert by_whole.region_overlap is None


@pytest.mark.slow
def test_reproductions_find_their_work(met: Any) -> None:
    ids = draw_works(met, 6, seed=4)
    results = copies.find_reproductions(met, ids, (distortions.phone, distortions.combined), seed=4)
    by_way = {result.way: result.means()["recall@1"] for result in copies.all_together(results)}
    assert by_way["preset same-work"] >= 0.85
    assert by_way["preset same-work"] > by_way["raw cosine of whole pictures"]


def test_metrics_are_computed_from_ranks_and_overlaps() -> None:
    result = FoundAgain("x", "y", np.array([1, 1, 4, 0]), np.array([0.5, 0.7, np.nan, np.nan]))
    assert result.means() == {"recall@1": 0.5, "recall@5": 0.75, "mrr": pytest.approx((1 + 1 + 0.25) / 4)}
    assert result.region_overlap == pytest.approx(0.6)
    assert intersection_over_union((0, 0, 0.5, 1), (0.5, 0, 1, 1)) == 0
    assert intersection_over_union((0, 0, 0.5, 1), (0.25, 0, 0.75, 1)) == pytest.approx(1 / 3)


def test_works_are_drawn_by_seed_and_kept_in_order(collection: Any) -> None:
    drawn = draw_works(collection, 7, seed=1)
    assert drawn == draw_works(collection, 7, seed=1) != draw_works(collection, 7, seed=2)
    assert drawn == [identity for identity in collection.ids if identity in drawn]
    assert draw_works(collection, None, seed=0) == draw_works(collection, 1000, seed=0) == collection.ids
    with pytest.raises(QueryError, match="must be at least 1; it is 0"):
        draw_works(collection, 0, seed=0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the script in this process; return its exit code."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["evaluate_copies.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            runpy.run_path(str(SCRIPTS / "evaluate_copies.py"), run_name="__main__")
        return int(stopped.value.code or 0)

    return run


@pytest.mark.slow
def test_the_command_prints_tables_and_writes_json(
    folder: Path, tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "figures.json"
    what = ("--what", "same-work,details,duplicates")
    assert run("--collection", folder, "--queries", 1, *what, "--json", target) == 0
    assert "| jpeg_30, preset same-work | 1.000 |" in capsys.readouterr().out
    figures = json.loads(target.read_text(encoding="utf-8"))
    assert (figures["works"], figures["queries"], figures["encoder"]) == (24, 1, "embedded")
    assert {entry["way"] for entry in figures["same_work"]} == set(copies.SAME_WORK_WAYS)
    assert {entry["distortion"] for entry in figures["details"]} == {"detail", "small_detail"}
    assert figures["duplicates"]["recall_by_distortion"]["jpeg_30"] == 1.0
    assert len(open_collection(folder)) == 24, "the collection on disk is unchanged"
    assert run("--collection", folder, "--what", "likeness") == 2
    expected = "Error: There is no measurement likeness; choose among same-work, details, duplicates.\n"
    assert capsys.readouterr().err == expected
