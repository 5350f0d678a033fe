"""From an odd table to a collection: what is written is found again, filtered by, and exported as valid JSON."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artsim import build_collection, open_collection
from artsim.dates import read_years
from artsim.snapshot.facets import choose_facets, count_choices
from artsim.snapshot.filters import allowed_rows, as_plain, groups_of
from artsim.sources import open_source
from artsim.ui.api.schemas import match_answer, work_answer

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
MORE = {"paid": ("1", "20", "20", "n/a"), "inventory": ("007", "7", "0012")}

rows = st.lists(
    st.tuples(st.sampled_from(DATES), st.sampled_from(MEDIA), *(st.sampled_from(values) for values in MORE.values())),
    min_size=1,
    max_size=5,
)


def check(written: list[tuple[str, ...]], separator: str, folder: Path, paintings: Path, clip: Any) -> None:
    file = io.StringIO()
    table = csv.writer(file, delimiter=separator)
    table.writerow(("File name", "year", "medium", *MORE))
    names = [f"{number:02}.jpg" for number in range(len(written))]
    for name, row in zip(names, written, strict=True):
        (folder / "in").mkdir(exist_ok=True)
        (folder / "in" / name).write_bytes((paintings / name).read_bytes())
        table.writerow((f"C:\\scans\\{name.upper()}", *row))
    (folder / "in" / "metadata.csv").write_bytes(file.getvalue().encode("utf-16"))
    build_collection(open_source(f"folder:{folder / 'in'}"), clip, folder / "out", recognition=False)
    collection = open_collection(folder / "out")
    assert collection.ids == names
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


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=rows, separator=st.sampled_from(",;\t"))
def test_a_table_is_read_built_and_searched(
    written: Any, separator: str, tmp_path_factory: Any, paintings: Path, clip: Any
) -> None:
    check(written, separator, tmp_path_factory.mktemp("odd"), paintings, clip)


@pytest.mark.sweep
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=rows, separator=st.sampled_from(",;\t"))
def test_many_tables_are_read_built_and_searched(
    written: Any, separator: str, tmp_path_factory: Any, paintings: Path, clip: Any
) -> None:
    check(written, separator, tmp_path_factory.mktemp("odd"), paintings, clip)
