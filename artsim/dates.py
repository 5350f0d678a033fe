"""Years of a work: one notion of when it was made, from years, dates, spans and texts such as `late 15th c.`.

A year before Christ is negative, as museums count: 1500 BC is -1500. A century begins with its round year: the 17th is
1600 to 1699, the 2nd BC is -200 to -101.
"""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

YEAR_FROM, YEAR_TO = "year_from", "year_to"
"""Columns that keep the span of years of a work beside what its source says."""

_MOST = 1_000_000  # a number farther from 0 is no year
_LATEST = 2999  # of years in texts: a longer number there is something else


@dataclass(frozen=True)
class Years:
    """A span of years, both ends included. `doubtful`: the source doubts it itself, as in `c. 1890` or `[1920?]`."""

    first: int
    last: int
    doubtful: bool = False

    @property
    def middle(self) -> float:
        """The one year that stands for the span: its middle."""
        return (self.first + self.last) / 2

    @property
    def century(self) -> int:
        """The first year of the century in which its middle lies: 1600 for 1642."""
        return math.floor(self.middle / 100) * 100

    @property
    def is_exact(self) -> bool:
        """Whether it is one year, without doubt."""
        return self.first == self.last and not self.doubtful

    def contains(self, other: Years) -> bool:
        return self.first <= other.first and other.last <= self.last


def work_years(work: Mapping[str, Any], columns: Iterable[str]) -> Years | None:
    """The years of a work: those of `year_from` and `year_to`, else read from its date `columns`. None if unknown.

    Of the columns, the first that can be read counts; one after it that says more, in a span around that, counts instead.
    """
    first, last = (_number(work.get(name)) for name in (YEAR_FROM, YEAR_TO))
    found = None
    for column in columns:
        years = read_years(work.get(column))
        if years is not None and (found is None or years.contains(found)):
            found = years
    if first is None or last is None:
        if first is None and last is None:
            return found
        first, last = _completed(first, last, found)
    return Years(min(first, last), max(first, last), found is not None and found.doubtful)


def _completed(first: int | None, last: int | None, found: Years | None) -> tuple[int, int]:
    """Both ends, where one is given; the other is that of the dates, or the same."""
    if first is None:
        assert last is not None
        return (last if found is None else min(found.first, last)), last
    return first, (first if found is None else max(found.last, first))


def read_years(value: Any) -> Years | None:
    """The years that a value means; None if it is missing or cannot be read.

    Takes numbers, dates, timestamps, texts in the languages of the interface, and lists of these: they span all their items.
    """
    if isinstance(value, str):
        return _read_text(value[:200])
    if isinstance(value, datetime.date):  # a timestamp is one, too
        return Years(value.year, value.year)
    if isinstance(value, list | tuple):
        return _around([years for item in value if (years := read_years(item)) is not None])
    year = _number(value)
    return None if year is None else Years(year, year)


def _number(value: Any) -> int | None:
    """A number as a year; None for what is none."""
    if isinstance(value, bool | str | list | tuple | Mapping) or value is None:
        return None
    try:
        return math.floor(value) if abs(value) <= _MOST else None
    except (TypeError, ValueError, OverflowError, ArithmeticError):  # nan, infinity, or no number
        return None


def _around(spans: list[Years]) -> Years | None:
    if not spans:
        return None
    doubtful = any(years.doubtful for years in spans)
    return Years(min(years.first for years in spans), max(years.last for years in spans), doubtful)


_PARTS = {
    r"early|beginning of|anfang|frühes|début d[ue]|principios del?|初期|初頭": (0, 1 / 3),
    r"mid(?:dle of)?|mitte|milieu d[ue]|mediados del?|中期": (1 / 3, 2 / 3),
    r"late|end of|ende|spätes|fin d[ue]|fin[ae]les del?|末期|末": (2 / 3, 1),
    r"(?:first|1st|1\.) half of|(?:erste|1\.) hälfte|1[eè]?re moitié d[ue]|primera mitad del": (0, 1 / 2),
    r"(?:second|2nd|last) half of|(?:zweite|2\.) hälfte|2[eè]?me moitié d[ue]|segunda mitad del": (1 / 2, 1),
    r"(?:first|1st|1\.) quarter of": (0, 1 / 4),
    r"(?:second|2nd) quarter of": (1 / 4, 1 / 2),
    r"(?:third|3rd) quarter of": (1 / 2, 3 / 4),
    r"(?:last|fourth|4th) quarter of": (3 / 4, 1),
}
"""Words for a part of a century or a decade -> where in it they begin and end."""
_PART = rf"(?:{'|'.join(_PARTS)})[\s-]*(?:(?:the|des?|du)\s+)?".replace(" ", r"\s")  # read in verbose mode
_ORDINAL = r"(?:\d{1,2}|[ivx]{1,5}(?![a-dfz]))(?:st|nd|rd|th|[eè]me|er|e|º|\.)?"
_CENTURY = (
    r"centur(?:y|ies)|cent\b\.?|c\b\.?|(?:jahrhundert(?:s|e)?|jh(?:dt?)?s?)\b\.?|"
    r"si[eè]cles?|secol[oi]|s\.(?=\s|$)|世紀|世纪"
)
_BEFORE = (
    r"\s*(?P<before>b\.?\s?c\.?(?:\s?e\.?)?(?![a-z])|v\.?\s?(?:u\.?\s?z|chr)\b\.?|"
    r"av(?:ant)?\.?\s?j\.?-?\s?c\b\.?|a\.\s?c\.)"
)
_AFTER = r"\s*(?:a\.?d\.?|c\.?e\.?|n\.?\s?chr\.?|apr(?:ès)?\.?\s?j\.?-?\s?c\.?|d\.\s?c\.)(?![a-z])"
_ERA = rf"(?:{_BEFORE}|(?P<after>{_AFTER}))"
_SPAN = re.compile(
    rf"""(?:(?P<ante>紀元前|公元前|前)|(?P<domini>\ba\.?d\.?\s))?\s*(?<![0-9a-z.,])(?:
    (?P<iso>\d{{4}})-\d\d-\d\d(?:[t\s][\d:.+z-]+)?
    | \d{{1,2}}[./]\s?\d{{1,2}}[./]\s?(?P<dotted>\d{{4}})(?!\d)
    | (?P<part>{_PART})?(?P<century>{_ORDINAL})(?:\s*[-/]\s*(?P<part2>{_PART})?(?P<century2>{_ORDINAL}))?[\s-]*(?:{_CENTURY})
    | (?:siglos?|si[eè]cle|secol[oi]|s(?:ec)?\.)\s*(?P<siglo>[ivx]{{1,5}}|\d\d?)(?![a-z\d])
    | (?P<in_decade>{_PART})?(?P<decade>\d{{3}}0)(?:(?:['’]?s|er)(?![a-z])|年代)
    | (?P<of_decade>1\d\d|20\d)(?:-(?!\d)|\?|_)
    | (?P<of_century>1\d|20)(?:--|\?\?|__)
    | (?P<from>\d{{3,4}})\s*[-/]\s*(?P<short>\d{{1,2}})(?![0-9a-z.])(?!\s*(?:{_BEFORE.replace("?P<before>", "?:")}))
    | (?P<year>\d{{1,2}}(?:,?\d{{3}})|\d{{1,4}})(?![0-9])(?![a-z](?!\.?\s?(?:c|d)))(?!\.\d)
    )(?:{_ERA})?""",
    re.VERBOSE,
)
_CIRCA = re.compile(
    r"(?<![a-z])(?<!b\.)(?<!b\.\s)(?:c(?:a|irca)?\.?\s*(?=\d|mid|early|late)|"
    r"(?:circa|about|around|approx\w*\.?|probably|possibly|perhaps|before|after|by|"
    r"um|etwa|wohl|vor|nach|vers|environ|avant|après|hacia|probablemente|antes de|después de)(?=\s))|[?？約约頃]"
)
_DASHES = re.compile(r"\s*(?:[‐-―−~〜～]|(?<=\d)\s+(?:to|bis|until|and|or|und|oder|et|ou|à|y|o|a)\s+(?=\S*\d))\s*")
_ROMAN = {"i": 1, "v": 5, "x": 10}


@lru_cache(maxsize=10_000)
def _read_text(text: str) -> Years | None:
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", text).casefold().strip())
    if re.fullmatch(r"[-+]?\d+(?:\.0+)?", plain):
        return read_years(float(plain))
    doubtful = _CIRCA.search(plain) is not None or "--" in plain or "_" in plain
    plain = re.sub(r"[\[\]()]", " ", _CIRCA.sub(lambda found: found.group() if found.group() in "?？" else " ", plain))
    spans: list[Years] = []
    for found in reversed(list(_SPAN.finditer(plain))):  # of "1500-1200 BC", the era stands last
        is_before = bool(found["before"] or found["ante"])
        if spans and not _is_after(found) and found.end() < len(plain) and plain[found.end()] in "-/":
            later = spans[-1]
            is_before = is_before or (
                later.first < 0 and found["year"] is not None and int(_digits(found)) >= -later.last
            )
        years = _span(found, before=is_before)
        if years is not None:
            spans.append(years)
    around = _around(spans)
    return None if around is None else Years(around.first, around.last, doubtful)


def _is_after(found: re.Match[str]) -> bool:
    """Whether it says that it is after Christ."""
    return bool(found["after"] or found["domini"])


def _digits(found: re.Match[str]) -> str:
    return found["year"].replace(",", "")


def _span(found: re.Match[str], *, before: bool) -> Years | None:
    """One match of `_SPAN` as years."""
    if found["century"] or found["siglo"]:
        return _centuries(found, before=before)
    if found["decade"]:
        start = int(found["decade"])
        return _part_of(start, 100 if start % 100 == 0 else 10, found["in_decade"])
    if found["of_decade"]:
        return Years(int(found["of_decade"]) * 10, int(found["of_decade"]) * 10 + 9)
    if found["of_century"]:
        return Years(int(found["of_century"]) * 100, int(found["of_century"]) * 100 + 99)
    if found["from"]:
        first, short = int(found["from"]), found["short"]
        last = int(found["from"][: -len(short)] + short)
        return Years(first, max(first, last))  # 1890-05 is a month
    digits = found["iso"] or found["dotted"] or _digits(found)
    year, has_era = int(digits), bool(found["before"] or found["ante"] or _is_after(found) or before)
    if (len(digits) < 3 and not has_era) or (year > _LATEST and not before):
        return None
    return Years(-year, -year) if before else Years(year, year)


def _centuries(found: re.Match[str], *, before: bool) -> Years | None:
    numbers = [_ordinal(found[name]) for name in ("century", "century2", "siglo") if found[name]]
    if not all(1 <= number <= (99 if before else 30) for number in numbers):
        return None
    starts = [-100 * number if before else 100 * (number - 1) for number in numbers]
    parts = [found["part"], found["part2"]][: len(starts)]
    return _around([_part_of(start, 100, part) for start, part in zip(starts, parts, strict=True)])


def _part_of(start: int, length: int, part: str | None) -> Years:
    """The whole of a century or a decade, or a part of it."""
    words = next((words for words in _PARTS if part and re.match(words, part)), None)
    begin, end = (0.0, 1.0) if words is None else _PARTS[words]
    return Years(start + round(begin * length), start + round(end * length) - 1)


def _ordinal(text: str) -> int:
    """`17th`, `xvii` or `xviie` as a number."""
    if text[0].isdigit():
        return int(re.match(r"\d+", text).group())  # type: ignore[union-attr]
    digits = [_ROMAN[letter] for letter in text if letter in _ROMAN]
    return sum(-a if a < b else a for a, b in zip(digits, [*digits[1:], 0], strict=True))
