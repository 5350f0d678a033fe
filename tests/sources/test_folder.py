"""Folders as museums have them: odd names, missing metadata, several tables, broken tables, circular links."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artsim.errors import SourceError
from artsim.images.formats import READS_HEIC
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


def test_what_is_left_out_is_named_by_its_kind_with_what_would_read_it(fill: Fill) -> None:
    """Files are told by their contents; of the operating system's, nobody has to know."""
    folder = fill("a.jpg", "._a.jpg", "Thumbs.db", ".trash/b.jpg", ".hidden.jpg")
    contents = {
        "art.psd": b"8BPS\0\1", "plan.svg": b"<?xml version='1.0'?>\n<svg>", "notes": b"To do: caf\xc3\xa9",
        "scan.pdf": b"%PDF-1.7", "walk.mov": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "a.zip": b"PK\3\4" + bytes(30),
        "n1.nef": b"MM\0*" + bytes(30), "p.jxl": b"\xff\x0a\0", "list.csv": b"file,title\n", "x.bin": b"\x93\0\7",
        "index": b"<!DOCTYPE html><p>", "nothing": b"", "phone": b"\0\0\0\x18ftypmif1\0\0\0\0mif1heix" + bytes(64),
    }  # fmt: skip
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    (folder / ".trash" / "metadata.csv").write_text("file_name,title\nb.jpg,Gone\n", encoding="utf-8")
    os.mkfifo(folder / "pipe")
    source = open_folder(folder)
    work, *others = source.works(0)
    assert (work["id"], work["title"], len(others)) == ("a.jpg", "a", READS_HEIC)
    assert "label" not in work
    kinds = {name: item for item in source.left_out for name in item.names}
    told = {name: kinds[name].kind for name in (*contents, "pipe", ".trash", ".hidden.jpg") if name in kinds}
    assert told == {
        "art.psd": "Photoshop", "plan.svg": "SVG", "notes": "text", "scan.pdf": "PDF", "walk.mov": "film",
        "a.zip": "archive", "n1.nef": "RAW", "p.jxl": "JPEG XL", "list.csv": "table", "x.bin": "unknown format (.bin)",
        "index": "web page (HTML)", "nothing": "empty file", "pipe": "neither file nor folder",
        ".trash": "hidden file or folder", ".hidden.jpg": "hidden file or folder",
        **({} if READS_HEIC else {"phone": "HEIC"}),
    }  # fmt: skip
    assert "metadata.csv" in kinds["list.csv"].advice and "as JPEG" in kinds["n1.nef"].advice
    assert [item.names for item in source.left_out if item.expected] == [("._a.jpg", "Thumbs.db")]


def test_pictures_are_told_by_their_contents_whatever_their_names(tmp_path: Path, painting: bytes) -> None:
    for name in ("a.jpe", "b.JFIF", "c.dat", "no_suffix", "png.txt"):
        (tmp_path / name).write_bytes(painting)
    (tmp_path / "broken.jpg").write_bytes(b"<html>404</html>")  # named like one: reported by its name when it is read
    assert ids(tmp_path) == ["a.jpe", "b.JFIF", "broken.jpg", "c.dat", "no_suffix", "png.txt"]


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


def test_pictures_without_metadata_are_kept_and_metadata_without_pictures_are_told(fill: Fill) -> None:
    folder = fill("a.jpg", "b.jpg", table="file_name,title,year\nb.jpg,The Mill,1650\ngone.jpg,B,\nlost.jpg,C,\n")
    a, b = works(folder)
    assert (a["title"], a["year"], b["title"], b["year"]) == ("a", None, "The Mill", 1650)
    source = open_folder(folder)
    [rows] = source.left_out
    assert (rows.kind, rows.names) == ("row that names no picture of the folder, or several", ("gone.jpg", "lost.jpg"))
    assert "Pictures without a row: 1 (a.jpg)." in source.notes


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
    with pytest.raises(
        SourceError, match=r"holds no pictures \(JPEG, .*\), in itself or its sub-folders; .*: text 1\."
    ):
        open_folder(folder)
    with pytest.raises(SourceError, match=r"There is no folder .*elsewhere"):
        open_folder(folder / "elsewhere")
    with pytest.raises(SourceError, match=r"poem\.txt is not a folder"):
        open_folder(folder / "poem.txt")


def test_links_to_folders_are_followed_once_and_those_that_lead_nowhere_or_back_are_named(
    fill: Fill, tmp_path: Path, painting: bytes
) -> None:
    folder, elsewhere = fill("z/x.jpg"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "y.jpg").write_bytes(painting)
    (elsewhere / "back").symlink_to(folder, target_is_directory=True)
    (folder / "broken.jpg").symlink_to(folder / "gone.jpg")
    (folder / "self").symlink_to(folder / "self")
    for name, target in (("z/up", folder), ("a", folder / "z"), ("b", elsewhere), ("c", elsewhere)):
        (folder / name).symlink_to(target, target_is_directory=True)
    source = open_folder(folder)
    assert [work["id"] for work in source.works(0)] == ["b/y.jpg", "broken.jpg", "z/x.jpg"]
    left_out = {name: item.kind for item in source.left_out for name in item.names}
    again = "link to a folder that is read anyway"
    assert left_out == {
        **dict.fromkeys(("a", "b/back", "c", "z/up"), again),
        "self": "file that cannot be read (its link leads nowhere)",
    }


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything can be read here")
def test_a_folder_that_cannot_be_read_is_named(fill: Fill) -> None:
    folder = fill("a.jpg", "shut/b.jpg")
    (folder / "shut").chmod(0)
    try:
        [item] = open_folder(folder).left_out
    finally:
        (folder / "shut").chmod(0o700)
    assert (item.kind, item.names) == ("folder that cannot be read (Permission denied)", ("shut",))


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
