"""`/browse`: all works, page by page, filtered by facets with counts, sorted or shuffled. Needs no script."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlencode

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.messages.strings import Strings
from artsim.search.query import Part
from artsim.snapshot.facets import count_choices
from artsim.snapshot.filters import Where, allowed_rows
from artsim.snapshot.state import State
from artsim.snapshot.years import year_spans
from artsim.ui.context import Context
from artsim.ui.labels import LABEL_COLUMNS, order_key
from artsim.ui.pages.layout import page, view, whole_number
from artsim.ui.query_string import read_query_string, write_query_string
from artsim.ui.search_form import SearchForm, sorts_offered

_PAGE_SIZE = 60  # works per page
_VISIBLE_CHOICES = 10  # values of a facet; the others are folded
Value = str | tuple[float | None, float | None]
_SORTS = ("match", "title", "artist", "year", "map", "random")


@dataclass(frozen=True)
class _Listing:
    """The works that an address selects, and their order."""

    where: Where
    text: str
    """Words that the works have in their metadata; empty for all works."""
    sort: str
    seed: int
    page: int

    def address(self, **changes: Any) -> str:
        """Address of this listing with `changes`; its first page, unless they name another."""
        other = replace(self, **{"page": 1, **changes})
        pairs = [("sort", other.sort)] if other.sort != _first_sort(other.text) else []
        pairs += [("seed", str(other.seed))] if other.sort == "random" else []
        pairs += [("page", str(other.page))] if other.page > 1 else []
        query = "&".join(part for part in (other.filters(), urlencode(pairs)) if part)
        return f"./browse?{query}" if query else "./browse"

    def filters(self) -> str:
        """The words and the conditions as a query string, which the search reads too."""
        return write_query_string(SearchForm(parts=(Part(text=self.text),) if self.text else (), where=self.where))

    def conditions(self) -> list[tuple[str, Value]]:
        """(column, value) of every active filter."""
        return [(column, value) for column, condition in self.where.items() for value in _values(condition)]

    def filters_by(self, column: str, value: Value) -> bool:
        return value in _values(self.where.get(column))

    def toggled(self, column: str, value: Value) -> str:
        """Address with `value` added to the filter of `column`, or removed if it is there. A range replaces another."""
        others = [kept for kept in _values(self.where.get(column)) if kept != value]
        if isinstance(value, tuple):
            condition: Any = None if self.filters_by(column, value) else value
        else:
            condition = others if self.filters_by(column, value) else [*others, value]
        where = {name: kept for name, kept in self.where.items() if name != column}
        return self.address(where=where | ({column: condition} if condition else {}))


def _values(condition: Any) -> list[Value]:
    """The values of the condition on one column: texts, or one interval."""
    return [condition] if isinstance(condition, tuple) else list(condition or ())


def routes(context: Context) -> list[Route]:
    return [Route("/browse", view(context, "browse", _render))]


def _render(context: Context, request: Request) -> Response:
    strings, state = context.strings, context.collection.state
    parameters = [pair for pair in request.query_params.multi_items() if pair[0] != "sort"]  # its orders are its own
    link = read_query_string(urlencode(parameters), context)
    listing = _read_listing(context, request, link.form)
    allowed = allowed_rows(state.table, listing.where)
    rows, among, mistyped = np.arange(len(state)), None, False
    if listing.text:
        index = context.collection.label_indexes.of(state.table)
        rows = index.search(listing.text, len(state))
        mistyped = len(rows) > 0 and not index.has(listing.text)
        among = np.isin(np.arange(len(state)), rows)
        rows = rows if listing.sort == "match" else np.sort(rows)  # a shuffle depends on the order
    if allowed is not None:
        rows = rows[allowed[rows]]
    pages = max(1, -(-len(rows) // _PAGE_SIZE))
    listing = replace(listing, page=min(listing.page, pages))
    shown = _sorted(context, rows, listing)[(listing.page - 1) * _PAGE_SIZE : listing.page * _PAGE_SIZE]
    seed = random.randrange(1, 10**6)  # each link to a random order leads to another one
    counted = count_choices(state, context.facets, listing.where, among)
    facets = {column: choices for column, choices in counted.items() if choices}
    return page(
        context,
        "browse",
        title=strings("browse.title"),
        styles=("browse.css",),
        scripts=("browse.js",) if facets else (),
        listing=listing,
        facets=facets,
        most_visible=_VISIBLE_CHOICES,
        name_of=partial(_name, strings=strings),
        sorts={
            sort: listing.address(sort=sort, seed=seed if sort == "random" else 0)
            for sort in _available_sorts(context, listing.text)
        },
        problems=link.problems,
        mistyped=mistyped,
        works=[state.work(row) for row in shown.tolist()],
        count=len(rows),
        total=len(state),
        pages=pages,
    )


def _read_listing(context: Context, request: Request, form: SearchForm) -> _Listing:
    """The listing of a request; invalid parameters are ignored."""
    parameters = request.query_params
    text = next((part.text for part in form.parts if part.text and part.weight > 0), "")
    sort = parameters.get("sort", "")
    return _Listing(
        form.where,
        text,
        sort if sort in _available_sorts(context, text) else _first_sort(text),
        whole_number(parameters.get("seed")),
        max(1, whole_number(parameters.get("page"))),
    )


def _first_sort(text: str) -> str:
    return "match" if text else "title"


def _available_sorts(context: Context, text: str) -> list[str]:
    """The sort orders that this collection supports."""
    offered = sorts_offered(context)
    possible = {
        "match": bool(text),
        "artist": "artist" in offered,
        "year": "year" in offered,
        "map": context.collection.has_map,
    }
    return [sort for sort in _SORTS if possible.get(sort, True)]


def _sorted(context: Context, rows: np.ndarray, listing: _Listing) -> np.ndarray:
    """The rows in the requested order. Works without the sort key come last."""
    if listing.sort == "match":
        return rows
    if listing.sort == "map":
        return rows[np.argsort(context.collection.map().cells[rows])]
    if listing.sort == "random":
        return np.random.default_rng(listing.seed).permutation(rows)
    state = context.collection.state
    cached = _cached_positions(state)
    if listing.sort not in cached:
        cached[listing.sort] = _positions(state, listing.sort)
    return rows[np.argsort(cached[listing.sort][rows])]


@lru_cache(maxsize=1)
def _cached_positions(state: State) -> dict[str, np.ndarray]:
    """Cache of `_positions` by sort order, for one state: with 80,000 works each takes seconds."""
    return {}


def _positions(state: State, sort: str) -> np.ndarray:
    """(n,) int64: position of each row in the order by title, artist or year."""
    if sort == "year":
        return np.argsort(np.argsort(year_spans(state.table).middle, kind="stable"))
    columns = [column for column in LABEL_COLUMNS if column in state.table.column_names]
    keys = [order_key(work, sort) for work in state.table.select(columns).to_pylist()]
    positions = np.empty(len(keys), np.int64)
    positions[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return positions


def _name(value: Value, strings: Strings) -> str:
    """A value as text: an interval as `1600–1700`, one with an open end as `up to 1599`."""
    if not isinstance(value, tuple):
        return str(value)
    if None in value:
        key, bound = ("browse.up-to", value[1]) if value[0] is None else ("browse.from", value[0])
        return strings(key, number="" if bound is None else strings.plain(bound))
    low, high = ("" if bound is None else strings.plain(bound) for bound in value)
    return low if low == high else f"{low}–{high}"
