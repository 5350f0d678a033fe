"""What is known of a work, as the detail shows it: each value that other works may share leads to a search for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from artsim.columns import column_of, label_columns
from artsim.snapshot.years import years_of
from artsim.storage.provenance import license_of
from artsim.ui.addresses import page_address, search_address
from artsim.ui.context import Context
from artsim.ui.iiif import iiif_info
from artsim.ui.labels import as_text, page_text, safe_link

_YEARS_AROUND = 10  # a date leads to the works of so many years before and after it
_LONGEST = 100  # characters of a value that is searched for; longer ones are prose
_PLACES = ("place", "city", "country")


@dataclass(frozen=True)
class Value:
    """A value as text, with the address of the works that share it, if there may be others."""

    text: str
    address: str | None = None


@dataclass(frozen=True)
class WorkFacts:
    by: list[Value]
    """Artist and date."""
    rows: list[tuple[str, list[Value]]]
    """Heading and values, in the order of the collection."""
    license: str
    """Empty if none is stated."""
    source: tuple[str, str] | None
    """Address and host of the work's own page."""
    iiif: str | None
    """Where the museum's image server describes the picture, if visitors may ask it."""


def facts_reader(context: Context) -> Callable[[Mapping[str, Any]], WorkFacts]:
    """The function that says what is known of a work of the collection."""
    return _Reader(context).read


class _Reader:
    def __init__(self, context: Context) -> None:
        self._context, self._strings = context, context.strings
        facets = [facet for facet in context.facets if facet.kind == "values"]
        self._filters = {facet.column: {value.casefold(): value for value, _ in facet.values} for facet in facets}

    def read(self, work: Mapping[str, Any]) -> WorkFacts:
        artist, date = (_first(work, label_columns(part)) for part in ("artist", "date"))
        named = [column for column in (artist, date) if column is not None]
        shown = [name for name in work if column_of(name).listed and name not in (*named, *label_columns("date"))]
        rows = [(self._strings.column(column), self._values(work, column)) for column in shown]
        return WorkFacts(
            by=[value for column in named for value in self._values(work, column)],
            rows=[(heading, values) for heading, values in rows if values],
            license=license_of(work, self._context.collection.manifest),
            source=safe_link(work),
            iiif=iiif_info(work, self._context.iiif_hosts),
        )

    def _values(self, work: Mapping[str, Any], column: str) -> list[Value]:
        content = work[column]
        items = content if isinstance(content, list | tuple) else [content]
        texts = [text for item in items if (text := page_text(item))]
        if column in label_columns("date"):
            return [Value(text, self._around(work)) for text in texts]
        return [Value(text, self._others(column, text)) for text in texts]

    def _around(self, work: Mapping[str, Any]) -> str | None:
        """The works of the years around that of a work."""
        years = years_of(work)
        if years is None or not self._context.has_years:
            return None
        around = f"{years.first - _YEARS_AROUND}..{years.last + _YEARS_AROUND}"
        return page_address("browse", **{"where.year": around})

    def _others(self, column: str, text: str) -> str | None:
        """The works with a value: filtered by its column where there is such a filter, else found by its words."""
        if (shown := self._filters.get(column, {}).get(text.casefold())) is not None:
            return page_address("browse", **{f"where.{column}": shown})
        if len(text) <= _LONGEST and (column_of(column).facet or column in _PLACES):
            return f"{search_address(self._strings.language)}?{urlencode({'text': text})}"
        return None


def _first(work: Mapping[str, Any], columns: tuple[str, ...]) -> str | None:
    """The column that provides a part of the label."""
    return next((column for column in columns if as_text(work.get(column))), None)
