"""From an odd table to a collection: what is written is found again, filtered by, and exported unchanged to every format."""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import context_over
from starlette.applications import Starlette
from starlette.testclient import TestClient

from artsim import build_collection, open_collection
from artsim.dates import read_years
from artsim.hub.layout import write_published
from artsim.snapshot.facets import choose_facets, count_choices
from artsim.snapshot.filters import allowed_rows, as_plain, groups_of
from artsim.sources import open_source
from artsim.sources.table_values import even_text
from artsim.ui.api.schemas import match_answer, work_answer
from artsim.ui.http.downloads import download_routes

DATES = (
    "c. 1503–1506",
    "published 1893",
    "17th century",
    "1500 BC",
    "[1920?]",
    "1890-05-01",
    "153505",
    "nan",
    "",
    "Ming",
    "1642",
)
MEDIA = ("oil on canvas", "Oil on canvas ", "oil  on canvas", "Ink", "NULL", "None", "")
NOTES = (
    "=1+1",
    "'-",
    '"',
    "a;b,c\td",
    "two\n\nlines\r\n",
    "Cafe\u0301",
    "\u202eabc",
    "12,5",
    "1.0",
    "true",
    "𝄞 \x00\x1b",
    "-",
)
COLUMNS = {"year": DATES, "medium": MEDIA, "paid": ("1", "20", "20", "n/a"), "museum.no": ("007", "7", "0012")}
FORMATS = (",", ";", "\t", "jsonl", "parquet")
FORMULAS = tuple("=+-@|%")
Rows = list[tuple[str, ...]]

rows = st.lists(
    st.tuples(*map(st.sampled_from, COLUMNS.values()), st.one_of(st.sampled_from(NOTES), st.text(max_size=20))),
    min_size=1,
    max_size=5,
)


def write_table(folder: Path, kind: str, written: Rows, names: list[str]) -> None:
    columns = ("File name", *COLUMNS, "note")
    table = [(f"C:\\scans\\{name.upper()}", *row) for name, row in zip(names, written, strict=True)]
    if kind == "parquet":
        pq.write_table(pa.table(dict(zip(columns, zip(*table, strict=True), strict=True))), folder / "metadata.parquet")
        return
    file = io.StringIO(newline="")
    if kind == "jsonl":
        file.writelines(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in table)
    else:
        csv.writer(file, delimiter=kind).writerows([columns, *table])
    name = "metadata.jsonl" if kind == "jsonl" else "metadata.csv"
    (folder / name).write_bytes(file.getvalue().encode("utf-16"))


def check(written: Rows, kind: str, folder: Path, paintings: Path, clip: Any) -> None:
    names = [f"{number:02}.jpg" for number in range(len(written))]
    (folder / "in").mkdir()
    for name in names:
        shutil.copy(paintings / name, folder / "in")
    write_table(folder / "in", kind, written, names)
    build_collection(open_source(f"folder:{folder / 'in'}"), clip, folder / "out", recognition=False)
    collection = open_collection(folder / "out")
    assert collection.ids == names
    check_exports(collection, written, folder)
    state = collection.state
    for name, (date, medium, *_) in zip(names, written, strict=True):
        years, work = read_years(date), collection.work(name)
        assert (work["year_from"], work["year_to"]) == ((None, None) if years is None else (years.first, years.last))
        assert work["medium"] in (None, "Ink") or work["medium"].lower() == "oil on canvas"
        assert (work["medium"] is None) == (medium in ("NULL", "None", ""))
        json.dumps(as_plain(work), allow_nan=False)
        json.loads(work_answer(work, collection).model_dump_json())
        if years is not None:
            mask = allowed_rows(state.table, {"year": (years.first, years.last)})
            assert mask is not None and mask[state.rows[name]]
    facets = choose_facets(state)
    for column, choices in count_choices(state, facets, {}).items():
        for choice in choices:
            condition = choice.value if isinstance(choice.value, tuple) else [choice.value]
            assert choice.count == allowed_rows(state.table, {column: condition}).sum(), (column, choice)  # type: ignore[union-attr]
    groups_of(state.table, "century", np.arange(len(state)))
    for match in collection.search(image=paintings / "00.jpg", k=3):
        json.dumps(match_answer(match, collection).model_dump(), allow_nan=False)


def check_exports(collection: Any, written: Rows, folder: Path) -> None:
    """CSV, JSON and ZIP of the results, the API, and the Parquet files of a published dataset have what was written."""
    client = TestClient(Starlette(routes=download_routes(context_over(collection, folder / "thumbnails"))))
    shown = {"shown": json.dumps([[identity, None, None, None, ""] for identity in collection.ids])}
    of = {kind: client.post(f"/download.{kind}", data=shown).content for kind in ("csv", "json", "zip")}
    archive = zipfile.ZipFile(io.BytesIO(of["zip"]))
    write_published(collection.state, collection.manifest, folder / "out", folder / "published")
    parquet = pq.read_table(folder / "published" / "data" / "train-00000-of-00001.parquet").to_pylist()
    exports = {
        "CSV": _rows_of(of["csv"]),
        "table in the ZIP": _rows_of(archive.read("works.csv")),
        "JSON": json.loads(of["json"])["works"],
        "API": [json.loads(work_answer(collection.work(i), collection).model_dump_json()) for i in collection.ids],
        "Parquet": parquet,
    }
    for name, works in exports.items():
        is_csv = name in ("CSV", "table in the ZIP")
        for work, row in zip(works, written, strict=True):
            values = work["metadata"] if name == "API" else work
            for column, text in zip((*COLUMNS, "note"), row, strict=True):
                assert _says(values[column], even_text(text), is_csv=is_csv), (name, column, text, values[column])
    for identity, work in zip(collection.ids, parquet, strict=True):
        picture = collection.picture(identity)
        assert picture == (folder / "in" / identity).read_bytes() == work["image"]["bytes"]
        assert picture in [archive.read(file) for file in archive.namelist()]


def _rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def _says(value: Any, text: str | None, *, is_csv: bool) -> bool:
    """Whether a value of an export is what was written: that text, in CSV never a formula; or its number, or yes or no."""
    if text is None:
        return value == "" if is_csv else value is None
    if value == (f"'{text}" if is_csv and text.startswith(FORMULAS) else text):
        return True
    if isinstance(value, bool) or value in ("True", "False"):
        return str(value).lower() == text.lower()
    return (isinstance(value, int | float) or is_csv) and float(value) == float(text)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=rows, kind=st.sampled_from(FORMATS))
def test_a_table_is_read_built_searched_and_exported(
    written: Any, kind: str, tmp_path_factory: Any, paintings: Path, clip: Any
) -> None:
    check(written, kind, tmp_path_factory.mktemp("odd"), paintings, clip)


@pytest.mark.sweep
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=rows, kind=st.sampled_from(FORMATS))
def test_many_tables_are_read_built_searched_and_exported(
    written: Any, kind: str, tmp_path_factory: Any, paintings: Path, clip: Any
) -> None:
    check(written, kind, tmp_path_factory.mktemp("odd"), paintings, clip)
