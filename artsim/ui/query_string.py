"""A search form as the query string of a link, and back: see docs/links.md for the parameters.

`write_query_string` and `read_query_string` are inverse to each other, except for uploads: a link only records that there
was one. Invalid parameters are skipped, each with a message: no address breaks a page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from artsim.encoders.presets import PRESETS, RANKINGS
from artsim.encoders.protocol import Aspect
from artsim.search.query import Part
from artsim.snapshot.facets import Facet
from artsim.ui.context import Context
from artsim.ui.search_form import (
    HEAVIEST,
    LONGEST_TEXT,
    MOST_ALIKE,
    MOST_PARTS,
    MOST_SHOWN,
    SHOWN,
    SearchForm,
    columns_offered,
    encoders_offered,
    has_regions,
    sorts_offered,
)

_MAX_LENGTH = 8000  # characters of a query string that browsers and proxies pass on
_MAX_PROBLEMS = 5  # reported per link; a link full of junk has more
_MAX_QUOTED = 60  # characters of a value that a message quotes
_PARTS = {"work": "work", "not": "work", "text": "text", "not-text": "text", "upload": "image", "not-upload": "image"}


@dataclass(frozen=True)
class ParsedLink:
    """The content of a link."""

    form: SearchForm
    opened: str | None = None
    """The id of the work whose detail is open."""
    problems: tuple[str, ...] = ()
    """Messages about parameters that could not be used."""


def write_query_string(form: SearchForm) -> str:
    """The form as a query string without `?`. Default values are omitted."""
    pairs: list[tuple[str, str]] = []
    for part in form.parts:
        pairs += _written_part(part)
    if form.preset is None:
        pairs += [(f"w.{aspect}", f"{weight:g}") for aspect, weight in form.weights.items()]
    elif form.preset != "balanced":
        pairs.append(("preset", form.preset))
    pairs += [("ranking", form.ranking)] if form.ranking != "tuned" else []
    pairs += [("k", str(form.k))] if form.k != SHOWN else []
    pairs += [("min_score", f"{form.min_score:g}")] if form.min_score else []
    pairs += [("sort", form.sort)] if form.sort != "likeness" else []
    for column, condition in form.where.items():
        pairs += [(f"where.{column}", text) for text in _written_condition(condition)]
    pairs += [("other", form.other)] if form.other else []
    pairs += [(f"most.{form.at_most[0]}", str(form.at_most[1]))] if form.at_most else []
    pairs += [("by", form.by)] if form.by else []
    pairs += [("encoder", form.encoder)] if form.encoder else []
    pairs += [("find", "detail")] if form.contains else []
    return urlencode(pairs, safe=",/:")


def _written_part(part: Part) -> list[tuple[str, str]]:
    if part.work is not None:
        pairs = [("work" if part.weight > 0 else "not", part.work)]
    else:
        name, value = ("text", part.text) if part.text is not None else ("upload", "1")
        pairs = [(name if part.weight > 0 else f"not-{name}", value or "")]
    if part.region is not None:
        pairs.append(("region", ",".join(f"{side:.4g}" for side in part.region)))
    if abs(part.weight) != 1:
        pairs.append(("weight", f"{abs(part.weight):g}"))
    return pairs


def _written_condition(condition: Any) -> list[str]:
    if isinstance(condition, tuple):
        return ["..".join("" if bound is None else f"{bound:.12g}" for bound in condition)]
    return [str(value) for value in condition]


def read_query_string(query: str, context: Context, uploads: Sequence[Path] = ()) -> ParsedLink:
    """Parse `query`. `uploads`: the files of its uploads, in order, as far as they are known."""
    if len(query) > _MAX_LENGTH:
        return ParsedLink(SearchForm(), problems=(context.strings("link.too-long", most=_MAX_LENGTH),))
    return _Reader(context, uploads).read(parse_qsl(query.removeprefix("?"), errors="replace", max_num_fields=None))


class _Reader:
    """Reads the parameters of one link in order, and collects problems."""

    def __init__(self, context: Context, uploads: Sequence[Path]) -> None:
        self._context = context
        self._strings = context.strings
        self._uploads = list(uploads)
        self._lost = 0
        self._facets = {facet.column: facet for facet in context.facets}
        self._problems: list[str] = []
        self._parts: list[Part | None] = []
        """None for a part that could not be used; its region and weight are skipped with it."""
        self._settings: dict[str, Any] = {}
        self._weights: dict[Aspect, float] = {}
        self._where: dict[str, Any] = {}
        self._open: str | None = None

    def read(self, pairs: list[tuple[str, str]]) -> ParsedLink:
        readers: dict[str, Callable[[str, str], None]] = {
            **dict.fromkeys(_PARTS, self._part),
            "region": self._region,
            "weight": self._weight,
            "preset": self._choice,
            "ranking": self._choice,
            "encoder": self._choice,
            "sort": self._choice,
            "find": self._find,
            "k": self._k,
            "min_score": self._min_score,
            "other": self._column,
            "by": self._column,
            "detail": self._opened,
        }
        prefixes: dict[str, Callable[[str, str], None]] = {
            "w.": self._aspect, "where.": self._condition, "most.": self._limit,
        }  # fmt: skip
        for name, value in pairs:
            read = readers.get(name) or next((read for start, read in prefixes.items() if name.startswith(start)), None)
            if read is not None:  # others are not artsim's: newsletters' tracking, Gradio's own
                read(name, value)
        return ParsedLink(self._form(), self._open, tuple(self._problems[:_MAX_PROBLEMS]))

    def _form(self) -> SearchForm:
        parts = [part for part in self._parts if part is not None]
        if self._lost:
            self._problems.insert(0, self._strings("link.upload"))
        if len(parts) > MOST_PARTS:
            self._report("link.too-many", most=MOST_PARTS)
        if self._weights:
            weights = {aspect: self._weights.get(aspect, 0) for aspect in self._context.aspects}
            self._settings.update(preset=None, weights=weights)
        return SearchForm(parts=tuple(parts[:MOST_PARTS]), where=self._where, **self._settings)

    def _report(self, key: str, **values: Any) -> None:
        shown = {name: _cut(value) if name in ("value", "name", "id") else value for name, value in values.items()}
        message = self._strings(key, **shown)
        if message not in self._problems:
            self._problems.append(message)

    def _part(self, name: str, value: str) -> None:
        kind, weight = _PARTS[name], -1.0 if name.startswith("not") else 1.0
        part: Part | None = None
        if kind == "work":
            if value in self._context.collection.state.rows:
                part = Part(work=value, weight=weight)
            else:
                self._report("link.work", id=value)
        elif kind == "text":
            words = value.strip()[:LONGEST_TEXT]
            part = Part(text=words, weight=weight) if words else None
        elif self._uploads:
            part = Part(image=self._uploads.pop(0), weight=weight)
        else:
            self._lost += 1
        self._parts.append(part)

    def _region(self, name: str, value: str) -> None:
        sides = [number for side in value.split(",")[:5] if (number := _number(side)) is not None]
        is_region = len(sides) == 4 and 0 <= sides[0] < sides[2] <= 1 and 0 <= sides[1] < sides[3] <= 1
        if not is_region or not self._parts or (self._parts[-1] is not None and self._parts[-1].text is not None):
            self._report("link.region", value=value)
        elif (part := self._parts[-1]) is not None:
            self._parts[-1] = Part(
                part.image, part.text, part.work, (sides[0], sides[1], sides[2], sides[3]), part.weight
            )

    def _weight(self, name: str, value: str) -> None:
        number = self._between(name, value, 0.01, HEAVIEST)
        if number is not None and self._parts and (part := self._parts[-1]) is not None:
            self._parts[-1] = Part(part.image, part.text, part.work, part.region, math.copysign(number, part.weight))

    def _choice(self, name: str, value: str) -> None:
        choices = {
            "preset": tuple(PRESETS),
            "ranking": RANKINGS,
            "encoder": encoders_offered(self._context),
            "sort": sorts_offered(self._context),
        }[name]
        if value in choices:
            self._settings[name] = value
        elif not choices:
            self._report("link.unknown", name=name, value=value)
        else:
            prefix = {"preset": "preset.", "ranking": "ranking.", "sort": "sort."}.get(name)
            self._report("link.choice", name=name, value=value, choices=self._named(choices, prefix))

    def _named(self, choices: Sequence[str], prefix: str | None) -> str:
        """The valid values, each with its name on the page if that is another word."""
        named = [(choice, self._strings(f"{prefix}{choice}") if prefix else choice) for choice in choices]
        spellings = [
            code if name.casefold() == code else self._strings("link.called", code=code, name=name)
            for code, name in named
        ]
        return self._strings("results.comma").join(spellings)

    def _find(self, name: str, value: str) -> None:
        if value == "detail" and has_regions(self._context):
            self._settings["contains"] = True
        else:
            self._report("link.find", name=name, value=value)

    def _k(self, name: str, value: str) -> None:
        number = self._between(name, value, 1, MOST_SHOWN, whole=True)
        if number is not None:
            self._settings["k"] = int(number)

    def _min_score(self, name: str, value: str) -> None:
        number = self._between(name, value, 0, 1)
        if number is not None:
            self._settings["min_score"] = float(number)

    def _aspect(self, name: str, value: str) -> None:
        aspect = next((aspect for aspect in self._context.aspects if name == f"w.{aspect}"), None)
        if aspect is None:
            self._report(
                "link.aspect", value=name.removeprefix("w."), choices=self._named(self._context.aspects, "aspect.")
            )
        elif (number := self._between(name, value, 0, 1)) is not None:
            self._weights[aspect] = number

    def _condition(self, name: str, value: str) -> None:
        facet = self._facets.get(name.removeprefix("where."))
        if facet is None:
            self._report("link.column", value=name.removeprefix("where."))
        elif facet.kind == "range":
            bounds = [_number(side) if side else None for side in value.split("..")]
            if len(bounds) == 2 and any(bound is not None for bound in bounds):
                self._where[facet.column] = (bounds[0], bounds[1])
            else:
                self._report("link.range", name=name, value=value)
        elif (shown := _offered(value, facet)) is not None:
            chosen = self._where.setdefault(facet.column, [])
            chosen += [shown] if shown not in chosen else []
        else:
            self._report("link.value", column=self._strings.column(facet.column), value=value)

    def _limit(self, name: str, value: str) -> None:
        column = name.removeprefix("most.")
        if self._is_offered(column) and (number := self._between(name, value, 1, MOST_ALIKE, whole=True)) is not None:
            self._settings["at_most"] = (column, int(number))

    def _column(self, name: str, value: str) -> None:
        by_century = name == "by" and value == "century" and self._context.has_years
        if by_century or self._is_offered(value):
            self._settings[name] = value

    def _opened(self, name: str, value: str) -> None:
        if value in self._context.collection.state.rows:
            self._open = value
        else:
            self._report("link.work", id=value)

    def _is_offered(self, column: str) -> bool:
        if column in columns_offered(self._context.facets):
            return True
        self._report("link.column", value=column)
        return False

    def _between(self, name: str, value: str, low: float, high: float, *, whole: bool = False) -> float | int | None:
        number = _number(value)
        if number is None or not low <= number <= high or (whole and not float(number).is_integer()):
            key = "link.whole-number" if whole else "link.number"
            self._report(key, name=name, value=value, low=f"{low:g}", high=f"{high:g}")
            return None
        return number


def _number(text: str) -> float | int | None:
    try:
        number = float(text[:40])
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _offered(value: str, facet: Facet) -> str | None:
    """The value of a facet as it is offered, whatever its capitals; None if it is not."""
    return next((offered for offered, _ in facet.values if offered.casefold() == value.casefold()), None)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…"
