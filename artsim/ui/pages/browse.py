"""`/browse`: all works, page by page, filtered by facets with counts, sorted or shuffled. Needs no script."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.messages.strings import Strings
from artsim.snapshot.facets import Choice, Facet, count_choices
from artsim.snapshot.filters import Where, allowed_rows
from artsim.snapshot.state import State
from artsim.ui.addresses import search_address
from artsim.ui.context import Context
from artsim.ui.labels import LABEL_COLUMNS, label_of
from artsim.ui.markup import Markup, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.tiles import tile
from artsim.ui.query_string import read_query_string, write_query_string
from artsim.ui.search_form import SearchForm

_PAGE_SIZE = 60  # works per page
_VISIBLE_CHOICES = 10  # values of a facet; the others are folded
_SORTS = ("title", "artist", "year", "map", "random")


@dataclass(frozen=True)
class _Listing:
    """The works that an address selects, and their order."""

    where: Where
    sort: str
    seed: int
    page: int

    def address(self, **changes: Any) -> str:
        """Address of this listing with `changes`; its first page, unless they name another."""
        other = replace(self, **{"page": 1, **changes})
        pairs = [("sort", other.sort)] if other.sort != _SORTS[0] else []
        pairs += [("seed", str(other.seed))] if other.sort == "random" else []
        pairs += [("page", str(other.page))] if other.page > 1 else []
        query = "&".join(part for part in (write_query_string(SearchForm(where=other.where)), urlencode(pairs)) if part)
        return f"./browse?{query}" if query else "./browse"


def routes(context: Context) -> list[Route]:
    return [Route("/browse", view(context, "browse", _render))]


def _render(context: Context, request: Request) -> Response:
    strings, state = context.strings, context.collection.state
    link = read_query_string(request.url.query, context)
    listing = _read_listing(context, request, link.form.where)
    allowed = allowed_rows(state.table, listing.where)
    rows = np.arange(len(state)) if allowed is None else np.flatnonzero(allowed)
    pages = max(1, -(-len(rows) // _PAGE_SIZE))
    listing = replace(listing, page=min(listing.page, pages))
    shown = _sorted(context, rows, listing)[(listing.page - 1) * _PAGE_SIZE : listing.page * _PAGE_SIZE]
    works = [state.work(row) for row in shown.tolist()]
    cards = [tile(work, strings, href=search_address(strings.language, work)) for work in works]
    count = strings("browse.count", count=strings.number(len(rows)), total=strings.number(len(state)))
    results = element(
        "section",
        element("div",
            element("p", count, class_="browse-count", role="status"),
            _sort_links(context, listing),
            class_="browse-head"),
        *(element("p", problem, class_="notice") for problem in link.problems),
        _active_filters(listing, strings),
        element("ul", *cards, class_="grid") if cards else element("p", strings("browse.none"), class_="notice"),
        _pager(listing, pages, strings),
        aria_label=strings("browse.works"),
    )  # fmt: skip
    return document(
        context,
        "browse",
        element("h1", strings("browse.title")),
        element("p", strings("browse.lead"), class_="lead"),
        element("div", _facets(context, listing), results, class_="browse"),
        title=strings("browse.title"),
        styles=("browse.css",),
        scripts=("browse.js",),
    )


def _read_listing(context: Context, request: Request, where: Where) -> _Listing:
    """The listing of a request; invalid parameters are ignored."""
    parameters = request.query_params
    sort = parameters.get("sort", "")
    return _Listing(
        where,
        sort if sort in _available_sorts(context) else _SORTS[0],
        _integer(parameters.get("seed")),
        max(1, _integer(parameters.get("page"))),
    )


def _integer(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _available_sorts(context: Context) -> list[str]:
    """The sort orders that this collection supports."""
    possible = {"year": context.has_years, "map": context.collection.has_map}
    return [sort for sort in _SORTS if possible.get(sort, True)]


def _sorted(context: Context, rows: np.ndarray, listing: _Listing) -> np.ndarray:
    """The rows in the requested order. Works without the sort key come last."""
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
    table = state.table
    keys: list[tuple[bool, Any]]
    if sort == "year":
        keys = [(year is None, year or 0) for year in table.column("year").to_pylist()]
    else:
        works = table.select([column for column in LABEL_COLUMNS if column in table.column_names]).to_pylist()
        keys = [(not text, text.casefold()) for text in (getattr(label_of(work), sort) for work in works)]
    positions = np.empty(len(keys), np.int64)
    positions[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return positions


def _sort_links(context: Context, listing: _Listing) -> Markup:
    """Links to the sort orders; the shuffle link has a new seed on every request."""
    strings = context.strings
    links = []
    for sort in _available_sorts(context):
        seed = random.randrange(1, 10**6) if sort == "random" else 0
        current = "true" if sort == listing.sort else None
        name, address = strings(f"browse.sort.{sort}"), listing.address(sort=sort, seed=seed)
        links.append(element("li", element("a", name, href=address, aria_current=current)))
    return element("nav", element("span", strings("browse.sort"), id="browse-sort"), element("ul", *links),
                   class_="browse-sorts", aria_labelledby="browse-sort")  # fmt: skip


def _facets(context: Context, listing: _Listing) -> Markup:
    strings = context.strings
    counted = count_choices(context.collection.state, context.facets, listing.where)
    parts = [_facet(facet, choices, listing, strings) for facet in context.facets if (choices := counted[facet.column])]
    return element(
        "details",
        element("summary", strings("browse.filter")),
        element("nav", *parts, aria_label=strings("browse.filter")),
        class_="browse-facets", open=True,
    )  # fmt: skip


def _facet(facet: Facet, choices: tuple[Choice, ...], listing: _Listing, strings: Strings) -> Markup:
    items = [_choice(facet, choice, listing, strings) for choice in choices]
    more = Markup("")
    if len(items) > _VISIBLE_CHOICES + 2:
        note = strings("browse.more", count=strings.number(len(items) - _VISIBLE_CHOICES))
        more = element("details", element("summary", note), element("ul", *items[_VISIBLE_CHOICES:]), class_="more")
        items = items[:_VISIBLE_CHOICES]
    return element("section", element("h2", strings.column(facet.column)), element("ul", *items), more)


def _choice(facet: Facet, choice: Choice, listing: _Listing, strings: Strings) -> Markup:
    """A link that adds the value to the filter, or removes it."""
    is_chosen = _is_chosen(listing.where.get(facet.column), choice.value)
    name = _name(choice.value, strings)
    description = strings(
        "browse.remove" if is_chosen else "browse.add", value=name, count=strings.number(choice.count)
    )
    link = element(
        "a",
        element("span", name, aria_hidden="true"),
        element("span", strings.number(choice.count), class_="count", aria_hidden="true"),
        element("span", description, class_="unseen"),
        href=listing.address(where=_toggled(listing.where, facet.column, choice.value)),
        aria_current="true" if is_chosen else None,
    )
    return element("li", link)


def _is_chosen(condition: Any, value: str | tuple[float, float]) -> bool:
    return condition == value if isinstance(value, tuple) else value in (condition or ())


def _toggled(where: Where, column: str, value: Any) -> Mapping[str, Any]:
    """The conditions with `value` of `column` added, or removed if it was there."""
    condition = where.get(column)
    if isinstance(value, tuple):
        changed: Any = None if condition == value else value
    else:
        chosen = list(condition or ())
        changed = [item for item in chosen if item != value] if value in chosen else [*chosen, value]
    return {**{name: kept for name, kept in where.items() if name != column}, **({column: changed} if changed else {})}


def _name(value: Any, strings: Strings) -> str:
    if not isinstance(value, tuple):
        return str(value)
    low, high = ("" if bound is None else strings.plain(bound) for bound in value)
    return low if low == high else f"{low}–{high}"


def _active_filters(listing: _Listing, strings: Strings) -> Markup:
    """The active filters, each with a link to remove it, and a link to the search with the same filters."""
    if not listing.where:
        return Markup("")
    links = []
    for column, condition in listing.where.items():
        for value in [condition] if isinstance(condition, tuple) else condition:
            name = _name(value, strings)
            address = listing.address(where=_toggled(listing.where, column, value))
            label = element("span", f"{strings.column(column)}: {name} ×", aria_hidden="true")
            description = element("span", strings("browse.without", value=name), class_="unseen")
            links.append(element("li", element("a", label, description, href=address)))
    within = f"{search_address(strings.language)}?{write_query_string(SearchForm(where=listing.where))}"
    links.append(
        element("li", element("a", strings("browse.clear"), href=listing.address(where={}), class_="plain-link"))
    )
    links.append(element("li", element("a", strings("browse.search"), href=within, class_="plain-link")))
    return element("ul", *links, class_="browse-chosen")


def _pager(listing: _Listing, pages: int, strings: Strings) -> Markup:
    if pages == 1:
        return Markup("")
    previous = element("a", strings("browse.before"), href=listing.address(page=listing.page - 1), rel="prev")
    following = element("a", strings("browse.after"), href=listing.address(page=listing.page + 1), rel="next")
    position = strings("browse.page", page=strings.number(listing.page), pages=strings.number(pages))
    return element(
        "nav",
        previous if listing.page > 1 else element("span", ""),
        element("span", position),
        following if listing.page < pages else element("span", ""),
        class_="browse-pager", aria_label=strings("browse.pages"),
    )  # fmt: skip
