"""`/browse`: all works, to page through: narrowed down by facets with counts, sorted, or shuffled. No script needed."""

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
from artsim.ui.context import Context
from artsim.ui.labels import LABEL_COLUMNS, label_of
from artsim.ui.language import search_address
from artsim.ui.markup import Markup, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.tiles import search_link, tile
from artsim.ui.query_string import read_query_string, write_query_string
from artsim.ui.search_form import SearchForm

_PAGE = 60  # works
_FIRST = 10  # values of a facet that are seen at once
_SORTS = ("title", "artist", "year", "map", "random")


@dataclass(frozen=True)
class _View:
    """What the address asks for."""

    where: Where
    sort: str
    seed: int
    page: int

    def address(self, **changes: Any) -> str:
        """The address of this view with changes; the first page of it, unless another is named."""
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
    reading = read_query_string(request.url.query, context)
    asked = _asked(context, request, reading.form.where)
    allowed = allowed_rows(state.table, asked.where)
    rows = np.arange(len(state)) if allowed is None else np.flatnonzero(allowed)
    pages = max(1, -(-len(rows) // _PAGE))
    asked = replace(asked, page=min(asked.page, pages))
    shown = _sorted(context, rows, asked)[(asked.page - 1) * _PAGE : asked.page * _PAGE]
    works = [state.work(row) for row in shown.tolist()]
    cards = [tile(work, strings, href=search_link(strings, work)) for work in works]
    count = strings("browse.count", count=strings.number(len(rows)), total=strings.number(len(state)))
    results = element(
        "section",
        element("div",
            element("p", count, class_="browse-count", role="status"),
            _sorts(context, asked),
            class_="browse-head"),
        *(element("p", problem, class_="notice") for problem in reading.problems),
        _chosen(asked, strings),
        element("ul", *cards, class_="grid") if cards else element("p", strings("browse.none"), class_="notice"),
        _pager(asked, pages, strings),
        aria_label=strings("browse.works"),
    )  # fmt: skip
    return document(
        context,
        "browse",
        element("h1", strings("browse.title")),
        element("p", strings("browse.lead"), class_="lead"),
        element("div", _facets(context, asked), results, class_="browse"),
        title=strings("browse.title"),
        styles=("browse.css",),
        scripts=("browse.js",),
    )


def _asked(context: Context, request: Request, where: Where) -> _View:
    """The view of an address; whatever is not understood is as if it were not there."""
    given = request.query_params
    sort = given.get("sort", "")
    return _View(
        where,
        sort if sort in _offered(context) else _SORTS[0],
        _whole(given.get("seed")),
        max(1, _whole(given.get("page"))),
    )


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _offered(context: Context) -> list[str]:
    """The orders that this collection can be put in."""
    has_years = any(facet.column == "year" and facet.kind == "range" for facet in context.facets)
    possible = {"year": has_years, "map": context.collection.has_map}
    return [sort for sort in _SORTS if possible.get(sort, True)]


def _sorted(context: Context, rows: np.ndarray, asked: _View) -> np.ndarray:
    """The rows in the order that is asked for. Works that lack what it goes by come last."""
    if asked.sort == "map":
        return rows[np.argsort(context.collection.map().cells[rows])]
    if asked.sort == "random":
        return np.random.default_rng(asked.seed).permutation(rows)
    state = context.collection.state
    known = _known_orders(state)
    if asked.sort not in known:
        known[asked.sort] = _places(state, asked.sort)
    return rows[np.argsort(known[asked.sort][rows])]


@lru_cache(maxsize=1)
def _known_orders(state: State) -> dict[str, np.ndarray]:
    """By sort, see `_places`: with 80,000 works each takes seconds, so they are kept while the collection stays as it is."""
    return {}


def _places(state: State, sort: str) -> np.ndarray:
    """(n,): where each row comes in the order by title, artist or year."""
    table = state.table
    keys: list[tuple[bool, Any]]
    if sort == "year":
        keys = [(year is None, year or 0) for year in table.column("year").to_pylist()]
    else:
        works = table.select([column for column in LABEL_COLUMNS if column in table.column_names]).to_pylist()
        keys = [(not text, text.casefold()) for text in (getattr(label_of(work), sort) for work in works)]
    places = np.empty(len(keys), np.int64)
    places[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return places


def _sorts(context: Context, asked: _View) -> Markup:
    """Links to the other orders; each time one looks, the link to a shuffled one leads to another."""
    strings = context.strings
    links = []
    for sort in _offered(context):
        seed = random.randrange(1, 10**6) if sort == "random" else 0
        here = "true" if sort == asked.sort else None
        name, address = strings(f"browse.sort.{sort}"), asked.address(sort=sort, seed=seed)
        links.append(element("li", element("a", name, href=address, aria_current=here)))
    return element("nav", element("span", strings("browse.sort"), id="browse-sort"), element("ul", *links),
                   class_="browse-sorts", aria_labelledby="browse-sort")  # fmt: skip


def _facets(context: Context, asked: _View) -> Markup:
    strings = context.strings
    counted = count_choices(context.collection.state, context.facets, asked.where)
    parts = [_facet(facet, found, asked, strings) for facet in context.facets if (found := counted[facet.column])]
    return element(
        "details",
        element("summary", strings("browse.filter")),
        element("nav", *parts, aria_label=strings("browse.filter")),
        class_="browse-facets", open=True,
    )  # fmt: skip


def _facet(facet: Facet, choices: tuple[Choice, ...], asked: _View, strings: Strings) -> Markup:
    items = [_choice(facet, choice, asked, strings) for choice in choices]
    more = Markup("")
    if len(items) > _FIRST + 2:
        note = strings("browse.more", count=strings.number(len(items) - _FIRST))
        more = element("details", element("summary", note), element("ul", *items[_FIRST:]), class_="more")
        items = items[:_FIRST]
    return element("section", element("h2", strings.column(facet.column)), element("ul", *items), more)


def _choice(facet: Facet, choice: Choice, asked: _View, strings: Strings) -> Markup:
    """A link that adds the value to the filter, or takes it out again."""
    is_chosen = _is_chosen(asked.where.get(facet.column), choice.value)
    name = _name(choice.value, strings)
    said = strings("browse.remove" if is_chosen else "browse.add", value=name, count=strings.number(choice.count))
    link = element(
        "a",
        element("span", name, aria_hidden="true"),
        element("span", strings.number(choice.count), class_="count", aria_hidden="true"),
        element("span", said, class_="unseen"),
        href=asked.address(where=_toggled(asked.where, facet.column, choice.value)),
        aria_current="true" if is_chosen else None,
    )
    return element("li", link)


def _is_chosen(condition: Any, value: str | tuple[float, float]) -> bool:
    return condition == value if isinstance(value, tuple) else value in (condition or ())


def _toggled(where: Where, column: str, value: Any) -> Mapping[str, Any]:
    """The conditions with `value` of `column` in if it was out, out if it was in."""
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


def _chosen(asked: _View, strings: Strings) -> Markup:
    """What is filtered by, each with a way to take it out; and the search within the same filters."""
    if not asked.where:
        return Markup("")
    links = []
    for column, condition in asked.where.items():
        for value in [condition] if isinstance(condition, tuple) else condition:
            name = _name(value, strings)
            address = asked.address(where=_toggled(asked.where, column, value))
            shown = element("span", f"{strings.column(column)}: {name} ×", aria_hidden="true")
            said = element("span", strings("browse.without", value=name), class_="unseen")
            links.append(element("li", element("a", shown, said, href=address)))
    within = f"{search_address(strings.language)}?{write_query_string(SearchForm(where=asked.where))}"
    links.append(
        element("li", element("a", strings("browse.clear"), href=asked.address(where={}), class_="plain-link"))
    )
    links.append(element("li", element("a", strings("browse.search"), href=within, class_="plain-link")))
    return element("ul", *links, class_="browse-chosen")


def _pager(asked: _View, pages: int, strings: Strings) -> Markup:
    if pages == 1:
        return Markup("")
    before = element("a", strings("browse.before"), href=asked.address(page=asked.page - 1), rel="prev")
    after = element("a", strings("browse.after"), href=asked.address(page=asked.page + 1), rel="next")
    here = strings("browse.page", page=strings.number(asked.page), pages=strings.number(pages))
    return element(
        "nav",
        before if asked.page > 1 else element("span", ""),
        element("span", here),
        after if asked.page < pages else element("span", ""),
        class_="browse-pager", aria_label=strings("browse.pages"),
    )  # fmt: skip
