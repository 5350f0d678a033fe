"""Folders as museums have them: odd names, missing metadata, several tables, broken tables, circular links."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artsim.errors import SourceError
from artsim.sources.folder import open_folder

Fill = Callable[..., Path]


@pytest.fixture
def fill(tmp_path: Path, painting: bytes) -> Fill:
    """`fill("a.jpg", "b/c.jpg", table="file_name,...")`: a folder with these pictures and this metadata.csv."""

    def make(*names: str, table: str | bytes | None = None, lines: str | None = None) -> Path:
        folder = tmp_path / "pictures"
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(painting)
        folder.mkdir(exist_ok=True)
        if table is not None:
            (folder / "metadata.csv").write_bytes(table.encode() if isinstance(table, str) else table)
        if lines is not None:
            (folder / "metadata.jsonl").write_text(lines, encoding="utf-8")
        return folder

    return make


def works(folder: Path) -> list[dict[str, Any]]:
    return list(open_folder(folder).works(0))


def ids(folder: Path) -> list[str]:
    return [work["id"] for work in works(folder)]


def test_pictures_of_all_sub_folders_have_a_fixed_order(fill: Fill) -> None:
    folder = fill("b.jpg", "a.png", "deep/er/c.webp", "B.JPG", "scan.TIFF", "deep/d.Jpeg")
    assert ids(folder) == ["B.JPG", "a.png", "b.jpg", "deep/d.Jpeg", "deep/er/c.webp", "scan.TIFF"]


def test_hidden_files_their_metadata_and_other_files_are_ignored(fill: Fill) -> None:
    folder = fill("a.jpg", "._a.jpg", ".trash/b.jpg", ".hidden.jpg", "notes.txt", "a.jpg.part", "Thumbs.db", "svg.svg")
    (folder / ".trash" / "metadata.csv").write_text("file_name,title\nb.jpg,Gone\n", encoding="utf-8")
    (work,) = works(folder)
    assert (work["id"], work["title"]) == ("a.jpg", "a")
    assert "label" not in work


def test_odd_names_are_kept(fill: Fill) -> None:
    names = ["100% Größe.jpg", "two\nlines.jpg", " space .jpg", "🎨.png", "a;b,c'd\"e.jpg"]
    assert ids(fill(*names)) == sorted(names)


def test_names_that_are_not_utf_8_become_text_that_can_be_stored(tmp_path: Path, painting: bytes) -> None:
    folder = tmp_path / "caf\udce9"
    try:
        folder.mkdir()
        (folder / "c\udce9zanne.jpg").write_bytes(painting)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    (work,) = works(tmp_path)
    assert work["id"] == "caf\\xe9/c\\xe9zanne.jpg"
    assert work["title"] == "c\\xe9zanne"
    assert Path(work["image"]["path"]).read_bytes() == painting
    "".join(str(value) for value in (work["id"], work["title"], work["label"])).encode()


def test_without_metadata_the_file_name_is_the_title_and_the_folder_the_label(fill: Fill) -> None:
    folder = fill("monet/water_lilies-1906.jpg", "monet/late/nymphs.jpg", "loose.jpg")
    found = {work["id"]: (work["title"], work["label"]) for work in works(folder)}
    assert found == {
        "monet/water_lilies-1906.jpg": ("water lilies 1906", "monet"),
        "monet/late/nymphs.jpg": ("nymphs", "late"),
        "loose.jpg": ("loose", None),
    }


def test_metadata_csv_becomes_columns_of_the_right_type(fill: Fill) -> None:
    from datasets import Value

    folder = fill(
        "a.jpg",
        "b.jpg",
        "c.jpg",
        table='file_name,title,artist_name,year,height,note\na.jpg,1984,"Doe, Jane",1890,12.5,\n'
        'b.jpg,"Two ""quoted""\nlines",,,,\nc.jpg,,N/A,-300,3,\n',
    )
    source = open_folder(folder)
    assert source.features == {
        **dict.fromkeys(("id", "title", "artist", "note"), Value("string")), "year": Value("int64"), "height": Value("float64")
    }  # fmt: skip
    a, b, c = source.works(0)
    assert (a["title"], a["artist"], a["year"], a["height"], a["note"]) == ("1984", "Doe, Jane", 1890, 12.5, None)
    assert (b["title"], b["artist"], b["year"]) == ('Two "quoted"\nlines', None, None)
    assert (c["title"], c["artist"], c["year"]) == ("c", None, -300)


def test_pictures_without_metadata_are_kept_and_metadata_without_pictures_are_logged(
    fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = works(fill("a.jpg", "b.jpg", table="file_name,title,year\nb.jpg,The Mill,1650\ngone.jpg,B,\nlost.jpg,C,\n"))
    assert (a["title"], a["year"], b["title"], b["year"]) == ("a", None, "The Mill", 1650)
    assert "Rows that name no picture of the folder, or several: 2 (gone.jpg; lost.jpg)." in caplog.text
    assert "Pictures without a row: 1 (a.jpg)." in caplog.text


def test_metadata_jsonl_may_hold_lists_and_gaps(fill: Fill) -> None:
    lines = (
        '{"file_name": "a.jpg", "tags": ["sea", "ship"], "year": 1890, "none": []}\n\n'
        '{"file_name": "b.jpg", "tags": [], "title": 300, "none": []}\n{"file_name": "c.jpg", "year": null}'
    )
    a, b, c = works(fill("a.jpg", "b.jpg", "c.jpg", lines=lines))
    assert (a["tags"], a["year"], a["none"]) == (["sea", "ship"], 1890, [])
    assert (b["tags"], b["title"], b["year"]) == ([], "300", None)
    assert (c["tags"], c["year"]) == (None, None)


def test_each_sub_folder_may_have_its_own_table(fill: Fill) -> None:
    folder = fill("a/1.jpg", "b/1.jpg", table="file_name,title,inv\na/1.jpg,From above,7\n")
    (folder / "b" / "metadata.csv").write_text("file_name,title,inv\n1.jpg,From within,B-7\n", encoding="utf-8")
    a, b = works(folder)
    assert (a["title"], a["inv"]) == ("From above", "7")  # a column with two types is text
    assert (b["title"], b["inv"]) == ("From within", "B-7")


def test_types_are_inferred_from_the_whole_table_not_its_first_megabyte(fill: Fill) -> None:
    rows = "".join(f"{number}.jpg,{number},{'x' * 1000}\n" for number in range(1500))
    (work,) = works(fill("a.jpg", table=f"file_name,year,note\n{rows}a.jpg,about 1900,y\n"))
    assert work["year"] == "about 1900"


def test_a_byte_order_mark_is_skipped_and_file_names_match_in_any_unicode_normal_form(fill: Fill) -> None:
    (work,) = works(fill("Le\u0301ger.jpg", table="\ufefffile_name,title\nL\u00e9ger.jpg,La ville\n"))
    assert work["title"] == "La ville"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("title,year\nThe Mill,1650\n", "has no column file_name; its columns are title, year"),
        ("", r"cannot be read as a table \(it is empty\)\."),
        ('file_name,title\nb.jpg,B\n"a.jpg,The Mill\n', "a quotation mark in line 3 is never closed"),
        (b"PK\x03\x04\x00\x00\x91\x81", "has no column file_name"),
    ],
)
def test_a_broken_csv_is_named_with_the_reason(table: str | bytes, reason: str, fill: Fill) -> None:
    with pytest.raises(SourceError, match=reason) as error:
        open_folder(fill("a.jpg", table=table))
    assert "metadata.csv" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ('{"file_name": ', "line 1: not JSON"),
        ('[{"file_name": "a.jpg"}]', "line 1: not a JSON object"),
        ("", "has no column file_name"),
    ],
)
def test_a_broken_jsonl_is_named_with_the_line(lines: str, reason: str, fill: Fill) -> None:
    with pytest.raises(SourceError, match=reason) as error:
        open_folder(fill("a.jpg", lines=lines))
    assert "metadata.jsonl" in str(error.value)


def test_a_wrong_path_and_a_folder_without_pictures_are_named(fill: Fill) -> None:
    folder = fill()
    (folder / "poem.txt").write_text("roses are red", encoding="utf-8")
    with pytest.raises(SourceError, match=r"holds no pictures \(.*\.jpg.*\), in itself or its sub-folders"):
        open_folder(folder)
    with pytest.raises(SourceError, match=r"There is no folder .*elsewhere"):
        open_folder(folder / "elsewhere")
    with pytest.raises(SourceError, match=r"poem\.txt is not a folder"):
        open_folder(folder / "poem.txt")


def test_circular_links_do_not_hang_and_a_dangling_one_is_kept_for_the_report(fill: Fill) -> None:
    folder = fill("a/x.jpg")
    (folder / "broken.jpg").symlink_to(folder / "gone.jpg")
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    assert ids(folder) == ["a/x.jpg", "broken.jpg"]


def test_the_fingerprint_changes_when_a_picture_or_its_metadata_does(fill: Fill) -> None:
    folder = fill("a.jpg", table="file_name,title\na.jpg,One\n")
    seen = [open_folder(folder).fingerprint]
    assert open_folder(folder).fingerprint == seen[0]
    for change in (
        lambda: (folder / "metadata.csv").write_text("file_name,title\na.jpg,Two words\n", encoding="utf-8"),
        lambda: os.utime(folder / "a.jpg", ns=(1, 1)),
        lambda: (folder / "b.jpg").write_bytes(b""),
    ):
        change()
        seen.append(open_folder(folder).fingerprint)
    assert len(set(seen)) == 4
    assert [work["id"] for work in open_folder(folder).works(1)] == ["b.jpg"]
