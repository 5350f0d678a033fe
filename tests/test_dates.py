"""Years of works: one span, read from what museums write, and nothing where nobody can know."""

import datetime
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artsim.dates import Years, read_years, work_years

NOW = datetime.datetime(1893, 5, 1, 12, 30, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "years"),
    [
        (1890, (1890, 1890)),
        (1890.0, (1890, 1890)),
        (Decimal(1890), (1890, 1890)),
        (-300, (-300, -300)),
        ("1890", (1890, 1890)),
        ("-3000", (-3000, -3000)),
        ("153505", (153505, 153505)),  # a number is a year, however wild
        ("１８９０年頃", (1890, 1890)),
        ("1890-05-01", (1890, 1890)),
        ("1890-05-01T12:30:00Z", (1890, 1890)),
        ("1890-05", (1890, 1890)),
        ("01.05.1890", (1890, 1890)),
        ("May 1, 1890", (1890, 1890)),
        ("12 May 1890", (1890, 1890)),
        (datetime.date(1890, 5, 1), (1890, 1890)),
        (NOW, (1893, 1893)),
        ("c. 1503–1506", (1503, 1506)),
        ("c. 1503-1506", (1503, 1506)),
        ("ca.1503/06", (1503, 1506)),
        ("c1503 - 6", (1503, 1506)),
        ("1503 to 1506", (1503, 1506)),
        ("between 1503 and 1506", (1503, 1506)),
        ("zwischen 1503 und 1506", (1503, 1506)),
        ("published 1893", (1893, 1893)),
        ("(1946)", (1946, 1946)),
        ("[1920?]", (1920, 1920)),
        ("© 1893, printed 1901", (1893, 1901)),
        ("17th century", (1600, 1699)),
        ("Edo period, 17th century", (1600, 1699)),
        ("17th–18th century", (1600, 1799)),
        ("mid-19th century", (1833, 1866)),
        ("late 15th c.", (1467, 1499)),
        ("late 15th–early 16th century", (1467, 1532)),
        ("first half of the 17th century", (1600, 1649)),
        ("last quarter of the 17th century", (1675, 1699)),
        ("17. Jahrhundert", (1600, 1699)),
        ("2. Hälfte 17. Jh.", (1650, 1699)),
        ("Ende des 15. Jahrhunderts", (1467, 1499)),
        ("XVIIe siècle", (1600, 1699)),
        ("fin du XVe siècle", (1467, 1499)),
        ("siglo XIX", (1800, 1899)),
        ("17世紀", (1600, 1699)),
        ("1890s", (1890, 1899)),
        ("early 1890s", (1890, 1892)),
        ("1800s", (1800, 1899)),
        ("1890年代", (1890, 1899)),
        ("sec. XVII", (1600, 1699)),
        ("189-?", (1890, 1899)),
        ("17--", (1700, 1799)),
        ("1500 BC", (-1500, -1500)),
        ("1500 B.C.E.", (-1500, -1500)),
        ("1500–1200 BC", (-1500, -1200)),
        ("100 BC–AD 50", (-100, 50)),
        ("100 BC – 50 AD", (-100, 50)),
        ("44 v. Chr.", (-44, -44)),
        ("44 av. J.-C.", (-44, -44)),
        ("紀元前300年", (-300, -300)),
        ("10,000 BC", (-10000, -10000)),
        ("2nd century B.C.", (-200, -101)),
        ("2nd–1st century BC", (-200, -1)),
        ("79 AD", (79, 79)),
        ([1503, "1506"], (1503, 1506)),
        (["unknown", None, "17th century"], (1600, 1699)),
    ],
    ids=str,
)
def test_what_museums_write_is_read_as_a_span(value: Any, years: tuple[int, int]) -> None:
    found = read_years(value)
    assert found is not None
    assert (found.first, found.last) == years


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", math.nan, math.inf, True, "n.d.", "undated", "Ming dynasty", "12:30", datetime.time(12, 30), 10**30,
     1_700_000_000, {"year": 1890}, [], [None], "12 x 15 cm", "inv.1234", "5000 years ago", b"1890", "I. Newton", "x"],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_read_is_unknown(value: Any) -> None:
    assert read_years(value) is None


@pytest.mark.parametrize(
    ("text", "doubtful"),
    [
        ("1890", False),
        ("17th century", False),
        ("c. 1890", True),
        ("[1920?]", True),
        ("um 1890", True),
        ("189-?", True),
    ],
)
def test_the_doubt_of_the_source_is_kept(text: str, doubtful: bool) -> None:
    assert read_years(text).doubtful is doubtful  # type: ignore[union-attr]


@given(
    st.one_of(st.text(max_size=30), st.from_regex(r"[\d ivxcth.,/?-]{0,20}(century|bc|s)?"), st.floats(), st.integers())
)
def test_anything_is_read_or_unknown_and_spans_are_in_order(value: Any) -> None:
    found = read_years(value)
    assert found is None or found.first <= found.last


def test_a_work_has_the_years_of_the_first_date_that_says_most() -> None:
    columns = ("year", "date")
    assert work_years({"year": 1503, "date": "c. 1503–1506"}, columns) == Years(1503, 1506, doubtful=True)
    assert work_years({"year": 1503, "date": "bought 1893"}, columns) == Years(1503, 1503)
    assert work_years({"year": "unknown", "date": "1893"}, columns) == Years(1893, 1893)
    assert work_years({"year": 1503, "year_from": 1490, "year_to": 1510.0}, columns) == Years(1490, 1510)
    assert work_years({"year": 1503, "year_from": None, "year_to": 1510}, columns) == Years(1503, 1510)
    assert work_years({"title": "1890"}, columns) is None
    assert (Years(1503, 1506).middle, Years(1590, 1609).century, Years(-150, -150).century) == (1504.5, 1500, -200)
