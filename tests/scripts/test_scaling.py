"""`benchmark scaling` computes large collections from measured ones, says how well that works, and what is missing."""

import json
from pathlib import Path
from typing import Any

import benchmark
import pytest
from benchmarking.scaling import Check, Line, checks_of, read_measured, rows_of, tables_of

from artsim.errors import ArtsimError

ROOT = Path(__file__).resolve().parents[2]
MACHINE = {"processor": "made up", "cores": 2}


def write(folder: Path, benchmark: str, content: dict[str, Any], name: str = "") -> Path:
    path = folder / f"{name or benchmark}.json"
    path.write_text(json.dumps({"benchmark": benchmark, "command": f"{benchmark} ...", "machine": MACHINE, **content}))
    return path


def searched(works: int, *, factor: float = 1.0) -> dict[str, float]:
    """What `search` measures where a query takes 1 ms and 4 ns a work, times `factor`."""
    milliseconds = (1 + 4e-6 * works) * factor
    times = {"p50_ms": milliseconds, "p50_tuned_ms": milliseconds + 3, "build_s": 10 + 2e-4 * works}
    return {"works": works, **times, "bytes_per_work": 800 + 1e7 / works}


def started(works: int | None, anonymous: float, resident: float, **more: Any) -> dict[str, Any]:
    return {
        "works": works,
        "later_start": {"anonymous_searched_mb": anonymous, "rss_searched_mb": resident},
        **more,
    }


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    real = {"metadata": 17_400, "recognition": 256 * 174, "vectors": 1, "pictures": 1, "index": 1, "fitted": 1}
    disk = {
        "metadata": 1,
        "recognition": 0,
        "vectors": 3_280_000,
        "pictures": 50_000_000,
        "index": 88_000,
        "fitted": 7e6,
    }
    stages = {"decode": 6.0, "model": 10.0, "color": 4.0}
    encoder = {"encoder": "embedded", "precision": "float32", "images_per_s": 25.0, "stage_ms_per_image": stages}
    return [
        write(tmp_path, "search", {"results": [searched(works) for works in (10_000, 81_444, 1_000_000)]}),
        write(tmp_path, "startup", started(None, 300, 450, disk_bytes=real), "met"),
        write(tmp_path, "startup", started(1_000, 302, 454, disk_bytes=disk), "large"),
        write(tmp_path, "encode", {"encoders": [encoder]}),
    ]


def test_what_a_collection_needs_follows_from_what_was_measured(files: list[Path]) -> None:
    row = {each["works"]: each for each in rows_of(read_measured(files))}[10_000_000]
    assert row["search_ms"] == pytest.approx(3 + 41)
    assert row["index_ms"] == pytest.approx(41)
    assert row["disk_gb"] == pytest.approx((3_724 * 1e7 + 7e6) / 1e9)
    assert row["pictures_gb"] == pytest.approx(500)
    assert row["memory_gb"] == pytest.approx(0.3 + 1e7 * 2 / 826 / 1e3, rel=0.01)
    assert row["core_hours"] == {"embedded": pytest.approx(1e7 * 2 / 25 / 3600)}
    assert row["beside_gpu_core_hours"] == {"embedded": pytest.approx(1e7 * 2 * 0.010 / 3600)}
    assert row["design"].startswith("one process, 64 GB; built by Ray, 19 cores")


def test_the_number_that_decides_is_named(files: list[Path]) -> None:
    designs = [row["design"] for row in rows_of(read_measured(files))]
    assert designs[0] == "one process, 16 GB; built by one machine"
    assert designs[-1].startswith("several collections, each on its own: 242 GB would stay in memory")
    slow = [searched(works, factor=5) for works in (10_000, 81_444, 1_000_000)]
    write(files[0].parent, "search", {"results": slow})
    designs = [row["design"] for row in rows_of(read_measured(files))]
    assert designs[3].startswith("Milvus, 64 GB: 208 ms in one process")


def test_each_size_is_predicted_from_the_others_and_one_that_fails_is_seen(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [argument for file in files for argument in ("--from", str(file))]
    assert benchmark.main(["scaling", *arguments]) == 0
    assert "fails" not in capsys.readouterr().out
    checks = checks_of(read_measured(files))
    assert {check.works for check in checks} == {81_444, 1_000_000} and len(checks) == 8
    assert all(check.ratio == pytest.approx(1, abs=0.01) for check in checks)
    sizes = [searched(10_000), searched(81_444), searched(1_000_000, factor=2)]
    write(files[0].parent, "search", {"results": sizes})
    assert benchmark.main(["scaling", *arguments, "--json", str(files[0].parent / "out.json")]) == 1
    assert "| 1,000,000 | 5 | 10 | 0.50: fails |" in capsys.readouterr().out
    written = json.loads((files[0].parent / "out.json").read_text(encoding="utf-8"))
    assert written["holds"] is False


def test_a_rehearsal_is_compared_with_the_prediction_of_all_sizes(files: list[Path], tmp_path: Path) -> None:
    rehearsal = write(tmp_path, "rehearse", {"results": [{"works": 10_000_000, "p50_ms": 82.0}]})
    check = checks_of(read_measured([*files, rehearsal]))[-1]
    assert (check.works, check.holds) == (10_000_000, False)
    assert check.ratio == pytest.approx(0.5)


def test_what_is_written_is_read_again(files: list[Path], tmp_path: Path) -> None:
    arguments = [argument for file in files for argument in ("--from", str(file))]
    assert benchmark.main(["scaling", *arguments, "--json", str(tmp_path / "out.json")]) == 0
    assert tables_of(read_measured([tmp_path / "out.json"])) == tables_of(read_measured(files))


def test_a_line_has_no_negative_part() -> None:
    assert Line.through({10: 100.0, 20: 50.0}).per_work == 0
    assert Line.through({10: 1.0, 20: 4.0}).fixed == 0
    assert Line.through({10: 5.0}).at(20) == 10


def test_a_check_is_symmetric() -> None:
    assert Check("", 1, predicted=1.4, measured=1).holds and Check("", 1, predicted=1, measured=1.4).holds
    assert not Check("", 1, predicted=1.6, measured=1).holds and not Check("", 1, predicted=1, measured=1.6).holds


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_what_is_missing_is_named_with_its_command(files: list[Path], kept: int) -> None:
    with pytest.raises(ArtsimError, match=r"Figures are missing: run `benchmark.py .*encode"):
        read_measured(files[:kept])


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"benchmark": "page"}', '{"benchmark": "search"}'])
def test_a_file_of_something_else_is_one_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "figures.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ArtsimError, match="is no file of figures"):
        read_measured([path])


def test_the_tables_of_the_docs_are_those_of_their_constants() -> None:
    needs, checks = tables_of(read_measured([ROOT / "docs" / "scaling-constants.json"]))
    text = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert "\n".join(needs) in text and "\n".join(checks) in text
