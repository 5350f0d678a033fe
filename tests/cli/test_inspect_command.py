"""`artsim inspect`: what is in a folder, a table, a dataset or a collection, and what a build would leave out."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artsim.building.inspection import inspect_source
from artsim.cli.inspect import as_text
from artsim.cli.main import main
from artsim.errors import ImageError
from artsim.sources import Source, Work, open_source
from artsim.sources.folder_files import beginning_of

ROOT = Path(__file__).resolve().parents[2]
TABLE = """file_name,title,artist,year,license
00.jpg,The Mill,Doe,1650,CC0-1.0
01.jpg,,Doe,1651,
"two
lines.jpg",The Sea,Roe,,CC0-1.0
cut.jpg,Half,Roe,1700,CC0-1.0
"""


@pytest.fixture
def folder(tmp_path: Path, paintings: Path) -> Path:
    """Three pictures, two of them the same, with a table; half a picture, a web page named like one, and other files."""
    folder = tmp_path / "my pictures"
    folder.mkdir()
    for name in ("00.jpg", "01.jpg"):
        shutil.copy(paintings / name, folder)
    shutil.copy(paintings / "00.jpg", folder / "two\nlines.jpg")
    whole = (paintings / "02.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "page.png").write_text("<!doctype html>404", encoding="utf-8")
    (folder / "plan.psd").write_bytes(b"8BPS\0\1")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "metadata.csv").write_text(TABLE, encoding="utf-8")
    return folder


def test_a_folder_is_told_as_json_whole_and_the_exit_code_says_that_something_is_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(folder / "metadata.csv"), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["works"], told["inspected"], told["license"]) == (5, 5, "unknown")
    [jpeg] = told["pictures"]
    assert (jpeg["format"], jpeg["count"]) == ("JPEG", 3) and jpeg["bytes"] > 3_000 and min(jpeg["smallest"]) > 40
    left_out = {item["kind"]: item for item in told["left_out"]}
    names = {kind: item["names"] for kind, item in left_out.items()}
    assert names == {
        "JPEG that cannot be used": ["cut.jpg"],
        "web page (HTML)": ["page.png"],
        "Photoshop": ["plan.psd"],
        "file of the operating system": [".DS_Store"],
    }
    assert "is damaged" in left_out["JPEG that cannot be used"]["reasons"]["cut.jpg"]
    assert left_out["Photoshop"]["advice"] == "Save them as JPEG, PNG or TIFF."
    columns = {column.pop("name"): column for column in told["columns"]}
    assert columns["artist"] == {
        "type": "text", "roles": ["artist", "filter", "search"], "missing": pytest.approx(0.2), "examples": ["Doe", "Roe"],
    }  # fmt: skip
    assert (columns["year"]["type"], columns["year"]["missing"]) == ("whole number", pytest.approx(0.4))
    assert columns["year"]["examples"] == ["1650", "1651", "1700"] and "date" in columns["year"]["roles"]
    assert told["rights"] == {"license": {"CC0-1.0": 3, "": 2}}
    assert told["duplicates"] == [["00.jpg", "two\nlines.jpg"]]


def test_a_folder_is_told_in_lines_and_a_whole_one_has_exit_code_0(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", f"folder:{folder}"]) == 1
    out = capsys.readouterr().out
    assert "web page (HTML): 1. page.png. They were saved in place of pictures" in out
    assert "JPEG that cannot be used: 1. cut.jpg is damaged" in out
    assert "2 works have the same picture file as another: 00.jpg = two\\nlines.jpg" in out
    for name in ("cut.jpg", "page.png", "plan.psd"):
        (folder / name).unlink()
    assert main(["inspect", str(folder)]) == 1
    assert "row that names no picture of the folder, or several: 1. cut.jpg." in capsys.readouterr().out
    (folder / "metadata.csv").write_text(TABLE[: TABLE.index("cut.jpg")], encoding="utf-8")
    assert main(["inspect", str(folder)]) == 0
    assert "Left out    nothing" in capsys.readouterr().out


def test_before_a_build_the_beginning_of_each_picture_is_read_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(path: str | Path) -> Any:
        read.append(Path(path).name)
        return beginning_of(path)

    monkeypatch.setattr("artsim.sources.folder_files.beginning_of", counted)
    monkeypatch.setattr("artsim.building.inspection.beginning_of", counted)
    report = inspect_source(open_source(str(folder)), open_pictures=False)
    assert (report.kinds["JPEG"].count, report.kinds["JPEG"].bytes) == (4, sum(map(_length, folder.glob("*.jpg"))))
    assert sorted(read) == ["00.jpg", "01.jpg", "cut.jpg", "page.png", "page.png", "plan.psd", "two\nlines.jpg"]


def _length(path: Path) -> int:
    return path.stat().st_size


def test_the_works_of_a_collection_are_told(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(copy), "--json", "--limit", "5"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["inspected"], told["pictures"][0]["count"], told["left_out"]) == (5, 5, [])
    assert "title" in {column["name"] for column in told["columns"]}


def test_before_a_build_no_work_of_a_dataset_elsewhere_is_read_and_its_columns_are_told() -> None:
    from datasets import Value

    def works(start: int) -> Iterator[Work]:
        raise AssertionError("read over the network")

    features: dict[str, Any] = {"title": Value("string"), "artist": Value("string"), "year": Value("int64")}
    source = Source("hub:a/b:train", "b", works, features, "", size=80_000, license="cc0-1.0", remote=True)
    report = inspect_source(source, open_pictures=False)
    assert (report.inspected, report.total, report.is_complete) == (0, 80_000, True)
    text = as_text(report)
    assert "Works       0 of 80,000 inspected" in text and "missing" not in text
    assert "artist  text          artist, search" in text


def test_a_picture_that_cannot_be_fetched_is_told_with_the_reason() -> None:
    def refused() -> bytes:
        raise ImageError("x was not fetched: the server answered 404.")

    source = Source("iiif:a", "a", lambda start: iter([{"id": "x", "image": {"read": refused}}]), {}, "", size=1)
    text = as_text(inspect_source(source, open_pictures=True))
    assert "picture that cannot be read: 1. x was not fetched: the server answered 404.\n" in text


def test_output_that_nobody_reads_ends_the_command_without_a_traceback(folder: Path) -> None:
    command = [sys.executable, "-m", "artsim", "inspect", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 141 and "Traceback" not in said and "BrokenPipe" not in said
