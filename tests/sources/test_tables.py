"""Metadata tables as people save them: whatever the separator, the encoding and the paths, nothing is lost silently."""

import csv
import io
import json
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import List, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from artsim.errors import SourceError
from artsim.sources.picture_names import PictureNames
from artsim.sources.tables import Metadata, is_metadata, read_metadata

PICTURES = ("a.jpg", "b.jpg", "c.jpg", "sub/d.jpg", "sub/E.JPG")


def read(folder: Path, content: str | bytes, name: str = "metadata.csv", **types: Any) -> Metadata:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_metadata(folder, [name], PICTURES, types=types)


def column(metadata: Metadata, name: str) -> list[Any]:
    return [record.get(name) for record in metadata.records.values()]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.csv", "\ufefffile_name;Title;Year\r\na.jpg;Café;1503\r\nb.jpg;B;1893\r\n"),
        ("metadata.csv", 'sep=;\r\nFile Name; title;year\r\na.jpg; "Café";1503\r\nb.jpg;B;1893\r\n'),
        ("METADATA.CSV", ",filename,title,year,,\n0,a.jpg,Café,1503,,\n\n1,b.jpg, B ,1893,,\n"),
        ("metadata.tsv", "image\tName\tyear\na.jpg\tCafé\t1503\nb.jpg\tB\t1893\n"),
        ("metadata.csv", "path\ttitle\tyear\na.jpg\tCafe\u0301\t1503\nb.jpg\tB\t1893"),
        ("metadata.csv", "file,title,year\na.jpg,Café,1503\nb.jpg,B,1893\n".encode("utf-16")),
        ("metadata.csv", "file,title,year\na.jpg,Café,1503\nb.jpg,B,1893\n".encode("utf-16-le")),
        ("metadata.csv", "file,title,year\na.jpg,Café,1503\nb.jpg,B,1893\n".encode("latin-1")),
        ("metadata.jsonl", '{"file": "a.jpg", "title": "Café", "year": 1503}\n{"file": "b.jpg", "title": "B", "year": 1893}'),
    ],
)  # fmt: skip
def test_separators_encodings_and_headers_are_read_as_they_come(name: str, content: Any, tmp_path: Path) -> None:
    assert is_metadata(name)
    found = read(tmp_path, content, name)
    assert found.features == {"title": Value("string"), "year": Value("int64")}
    assert found.records == {"a.jpg": {"title": "Café", "year": 1503}, "b.jpg": {"title": "B", "year": 1893}}
    assert found.summary.pictures_alone == ["c.jpg", "sub/d.jpg", "sub/E.JPG"]


def test_parquet_and_spreadsheets_are_tables_too(tmp_path: Path) -> None:
    rows = {"file_name": ["a.jpg", "b.jpg"], "inventory": ["007", None], "year": [1503, 1893], "tags": [["sea"], []]}
    pq.write_table(pa.table(rows), tmp_path / "metadata.parquet")
    found = read_metadata(tmp_path, ["metadata.parquet"], PICTURES)
    assert found.features == {"inventory": Value("string"), "year": Value("int64"), "tags": List(Value("string"))}
    assert found.records["a.jpg"] == {"inventory": "007", "year": 1503, "tags": ["sea"]}
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (("File name", "Inventory", "Year"), ("a.jpg", "007", 1503), (), ("b.jpg", None, 1893)):
        book.active.append(row)
    book.create_sheet("Notes")
    book.save(tmp_path / "metadata.xlsx")
    found = read_metadata(tmp_path, ["metadata.xlsx"], PICTURES)
    assert found.records["a.jpg"] == {"Inventory": "007", "year": 1503}
    assert found.summary.notes == ["metadata.xlsx has 2 sheets; only Sheet is read."]
    with pytest.raises(SourceError, match="it is no spreadsheet"):
        read(tmp_path, b"PK\x03\x04", "metadata.xlsx")


def test_paths_of_other_machines_and_other_capitals_are_matched_where_that_is_clear() -> None:
    names = PictureNames([*PICTURES, "other/a.jpg", "x/f.jpg", "X/F.jpg"])
    for text, found in {
        "sub\\d.jpg": ["sub/d.jpg"], "./Sub/e.jpg": ["sub/E.JPG"], "C:\\photos\\sub\\d.jpg": ["sub/d.jpg"],
        "/home/me/sub/D.JPG": ["sub/d.jpg"], "d.jpg": ["sub/d.jpg"], "a.jpg": ["a.jpg"], "/home/other/A.jpg": ["other/a.jpg"],
        "X/f.jpg": ["x/f.jpg", "X/F.jpg"], "x/f.jpg": ["x/f.jpg"], "y/d.jpg": [], "d": [], "": [], "../../etc/passwd": [],
    }.items():  # fmt: skip
        assert names.find(text, "") == found, text
    assert names.find("a.jpg", "other") == ["other/a.jpg"]
    assert names.find("sub/d.jpg", "other") == ["sub/d.jpg"]


def test_names_of_any_bytes_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("file,title\na.jpg,A\n", encoding="utf-8")
    found = read_metadata(tmp_path, ["metadata.csv"], ["a.jpg", "two\nlines.jpg", "caf\udce9.jpg"])
    assert found.summary.sentences()[1] == "Pictures without a row: 2 (two lines.jpg; caf\\udce9.jpg)."


def test_rows_that_cannot_be_used_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    rows = "a.jpg,A,1\nb.jpg,B\nc.jpg,C,1,2\n,D,1\na.jpg,Again,1\ngone.jpg,G,1\n\nsub/d.jpg,D,\n"
    found = read(tmp_path, f"file_name,title,size\n{rows}")
    assert list(found.records) == ["a.jpg", "sub/d.jpg"]
    assert found.records["a.jpg"]["title"] == "A"
    assert found.summary.sentences() == [
        "Rows of the tables that found their pictures: 2.",
        "Pictures without a row: 3 (b.jpg; c.jpg; sub/E.JPG).",
    ]
    assert [(kind.kind, kind.names) for kind in found.summary.rows_left_out()] == [
        ("row that names no picture of the folder, or several", ("gone.jpg",)),
        ("row for a picture that has a row already", ("metadata.csv, line 6: a.jpg",)),
        (
            "row that cannot be read",
            (
                "metadata.csv, line 3: 2 values instead of 3",
                "metadata.csv, line 4: 4 values instead of 3",
                "metadata.csv, line 5: no file name",
            ),
        ),
    ]
    halves = read(tmp_path, r'{"file": "a.jpg", "t\udfff": "x\ud800y \ud83d\ude00", "l": ["\uDC00"]}', "metadata.jsonl")
    assert halves.records == {"a.jpg": {"t?": "x?y 😀", "l": ["?"]}}  # halves of characters, which nothing can store
    lines = read(
        tmp_path, '{"file": "a.jpg", "size": 1}\n{"file":\n{"file": "b.jpg", "size": "large"}', "metadata.jsonl"
    )
    assert column(lines, "size") == ["1", "large"]
    assert lines.summary.left_out == ["metadata.jsonl, line 2: not JSON"]
    both = read_metadata(tmp_path, ["metadata.csv", "metadata.jsonl"], PICTURES)
    assert both.summary.repeated[1:] == ["metadata.jsonl, line 1: a.jpg"]


@pytest.mark.parametrize(
    ("values", "kind", "read_as"),
    [
        (["1", "-2", "", "n/a"], "int64", [1, -2, None, None]),
        (["00123", "00124", "7"], "string", ["00123", "00124", "7"]),
        (["99999999999999999999", "1"], "string", ["99999999999999999999", "1"]),
        (["1998.1", "1998.10"], "string", ["1998.1", "1998.10"]),
        (["12.5", "7.25", "3.0"], "float64", [12.5, 7.25, 3.0]),
        (["1503.0", "nan", "1600.0"], "int64", [1503, None, 1600]),
        (["1e5", "2"], "string", ["1e5", "2"]),
        (["true", "False"], "bool", [True, False]),
        (["Infinity", "1"], "string", ["Infinity", "1"]),
        (["1890-05-01", "1891-01-01"], "string", ["1890-05-01", "1891-01-01"]),
        (["None", "NULL", "#N/A", "Nan Goldin"], "string", [None, None, None, "Nan Goldin"]),
        (
            [" Oil  on canvas ", "Oil\u00a0on canvas", "Cafe\u0301"],
            "string",
            ["Oil on canvas", "Oil on canvas", "Café"],
        ),
    ],
    ids=str,
)
def test_texts_stay_texts_unless_nothing_of_them_is_lost(values: Any, kind: str, read_as: Any, tmp_path: Path) -> None:
    file = io.StringIO()
    csv.writer(file).writerows([("file", "size"), *zip(PICTURES, values, strict=False)])
    found = read(tmp_path, file.getvalue())
    assert found.features == {"size": Value(kind)}
    assert column(found, "size") == read_as


def test_the_owner_decides_what_a_column_is(tmp_path: Path) -> None:
    table = "file,inventory,size,note\na.jpg,00123,12.50,x\nb.jpg,00124,7.00,\n"
    found = read(tmp_path, table, inventory="number", size="text", note="number")
    assert column(found, "inventory") == [123, 124]
    assert column(found, "size") == ["12.50", "7.00"]
    assert found.summary.notes == ["The column note loses 1 values that are no numbers."]
    found = read(tmp_path, "Datei;Datierung\na.jpg;1503\n", Datierung="number")
    assert column(found, "date") == [1503], "a column may be named as in the table"
    with pytest.raises(SourceError, match="no column height; they have inventory, size, note"):
        read(tmp_path, table, height="number")


@pytest.mark.parametrize(
    "header",
    [
        "Dateiname;Titel;Künstler;Datierung;Technik;Maße",
        "Nom de fichier;Titre;Auteur;Datation;Matériaux et techniques;Dimensions",
        "Archivo;Título;Autor;Datación;Técnica;Medidas",
        "ファイル名;作品名;作者;制作年代;技法・材質;寸法",
        "文件名;标题;作者;年代;材质;尺寸",
        unicodedata.normalize("NFD", "DATEI;Objekttitel;KÜNSTLER/IN;Entstehungszeit;Material/Technik;Abmessungen"),
    ],
)
def test_tables_in_the_languages_of_the_app_have_the_same_columns(header: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"{header}\na.jpg;A;X;um 1700;Öl;3 x 4 cm\n")
    expected = {"title": "A", "artist": "X", "date": "um 1700", "medium": "Öl", "dimensions": "3 x 4 cm"}
    assert found.records == {"a.jpg": expected}


def test_a_number_of_a_spreadsheet_keeps_its_zeros_and_a_formula_without_a_result_is_told(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (("file_name", "inventory", "count", "title"), ("a.jpg", 123, 7, "A"), ("b.jpg", 4, 8, '="B"&" C"')):
        book.active.append(row)
    for cell in book.active["B"][1:]:
        cell.number_format = "00000"
    book.save(tmp_path / "metadata.xlsx")
    found = read_metadata(tmp_path, ["metadata.xlsx"], PICTURES)
    assert column(found, "inventory") == ["00123", "00004"]
    assert column(found, "count") == [7, 8]
    [note] = found.summary.notes
    assert note.startswith("metadata.xlsx has 1 formulas without a result, which are missing.")


def test_one_object_among_texts_costs_its_column_nothing_else(tmp_path: Path) -> None:
    rows = [{"file": "a.jpg", "date": "1503"}, {"file": "b.jpg", "date": {"from": 1800}}, {"file": "c.jpg", "date": 7}]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)), "metadata.jsonl")
    assert column(found, "date") == ["1503", None, "7"]
    lost = "The column date loses 1 values that are neither texts nor numbers (metadata.jsonl, line 2)."
    assert found.summary.notes == [lost]


def test_numbers_that_are_not_finite_and_columns_of_objects_are_left_out(tmp_path: Path) -> None:
    found = read(
        tmp_path, '{"file": "a.jpg", "height": NaN, "of": {"x": 1}}\n{"file": "b.jpg", "height": 2.5}', "metadata.jsonl"
    )
    assert column(found, "height") == [None, 2.5]
    assert found.summary.notes == ["The column of is left out: its values are neither texts nor numbers."]


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")), max_size=12)
cells = st.one_of(words, st.integers(-(10**20), 10**20), st.floats(-1e6, 1e6).map(lambda x: round(x, 2)), st.none())
tables = st.lists(st.tuples(words, cells, cells), min_size=1, max_size=len(PICTURES))


@settings(max_examples=60, deadline=None)
@given(
    rows=tables,
    separator=st.sampled_from(",;\t"),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
    newline=st.sampled_from(("\n", "\r\n")),
)
def test_what_is_written_is_read(rows: Any, separator: str, encoding: str, newline: str, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("table")
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator=newline)
    writer.writerow(("file_name", "title", "size", "note"))
    writer.writerows((name, *row) for name, row in zip(PICTURES, rows, strict=False))
    found = read(folder, file.getvalue().encode(encoding))
    assert found.summary.matched == len(rows)
    assert not found.summary.left_out
    assert list(found.records) == list(PICTURES[: len(rows)])
    for (title, *numbers), record in zip(rows, found.records.values(), strict=True):
        assert record.get("title", "") in ("", *_evened(title))
        for cell, name in zip(numbers, ("size", "note"), strict=True):
            value = record.get(name)
            assert value is None or str(value) in _evened(str(cell)) or float(value) == float(str(cell))
    json.dumps(found.records, allow_nan=False)


def _evened(text: str) -> tuple[str, ...]:
    return (" ".join(unicodedata.normalize("NFC", text).split()),)


def test_rows_and_notes_of_a_table_name_its_folder(tmp_path: Path) -> None:
    (tmp_path / "hall").mkdir()
    (tmp_path / "hall" / "metadata.csv").write_text("file,title,title\na.jpg,A,B\nb.jpg,B\n", encoding="utf-8")
    found = read_metadata(tmp_path, ["hall/metadata.csv"], ["hall/a.jpg", "hall/b.jpg"])
    assert found.summary.left_out == ["hall/metadata.csv, line 3: 2 values instead of 3"]
    assert found.summary.notes == ["hall/metadata.csv has two columns title; the second is title_2."]
