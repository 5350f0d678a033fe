"""Registry of the pages beside the search: server-side HTML, each page at its own address `/NAME`.

A page is a module with `routes(context)` and one line in `_PAGES`; other packages call `register_page`. Its messages are
in `messages/locales/*/NAME.json`, its script and style, if any, in `assets/NAME.js` and `assets/NAME.css`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal

from starlette.routing import Route

from artsim.ui.context import Context


@dataclass(frozen=True)
class Page:
    """One page. Its module is imported only when the app starts."""

    name: str
    """Its address; `nav.NAME` is the key of its label in the navigation, `explore.NAME` of its sentence on the page Explore."""
    place: Literal["main", "explore", "owner", "linked"] = "explore"
    """Its place in the navigation: an entry of its own, under Explore, among the owner's tools, or none ("linked": works
    lead there)."""
    offered: Callable[[Context], bool] = lambda context: True
    """Whether there is something to see for this collection."""
    module: str = ""
    """The module with `routes(context)`; by default `artsim.ui.pages.NAME`."""
    label: str = ""
    """Its label in the navigation, for a page without messages in `messages/locales`."""


@dataclass(frozen=True)
class Entry:
    """An entry of the navigation."""

    name: str
    """The page that it leads to."""
    label: str
    pages: Mapping[str, str] = field(default_factory=dict)
    """The pages below it: name -> label."""
    hidden: bool = False
    """Whether the page shows it only once it knows that the visitor is the owner."""


def _has_pictures(context: Context) -> bool:
    return context.collection.manifest.embeds_pictures


def _has_several_works(context: Context) -> bool:
    return len(context.collection) > 1


def _has_encoders(context: Context) -> bool:
    return len(context.collection.state.spaces) > 1


_PAGES: list[Page] = [
    Page("map", "main"),
    Page("explore", "main"),
    Page("how", "main"),
    Page("browse"),
    Page("timeline", offered=lambda context: context.has_years),
    Page("path", offered=_has_pictures),
    Page("compare", offered=_has_several_works),
    Page("collection", "owner", module="artsim.ui.owner.page"),
    Page("duplicates", "owner", _has_pictures),
    Page("encoders", "owner", _has_encoders),
    Page("evaluation", "owner"),
    Page("detail", "linked"),
    Page("why", "linked"),
    Page("recognition", "linked"),
    Page("echoes", "linked"),
]
"""In the order of the navigation."""


def register_page(page: Page) -> None:
    """Add a page, last of its place in the navigation. Call before the app starts."""
    _PAGES.append(page)


def page_routes(context: Context) -> list[Route]:
    """The routes of all pages. Imports their modules."""
    modules = (import_module(page.module or f"artsim.ui.pages.{page.name}") for page in _PAGES)
    return [route for module in modules for route in module.routes(context)]


def page_names() -> set[str]:
    """Names of all registered pages, which other views may link to."""
    return {page.name for page in _PAGES}


def in_navigation(context: Context) -> dict[str, str]:
    """The pages that the navigation offers to the visitor, in order: name -> label."""
    places = ("main", "explore", "owner") if context.is_owner else ("main", "explore")
    return {name: label for place in places for name, label in pages_in(place, context).items()}


def pages_in(place: str, context: Context) -> dict[str, str]:
    """The pages of one place that this collection offers, in order: name -> label."""
    listed = [page for page in _PAGES if page.place == place and page.offered(context)]
    return {page.name: page.label or context.strings(f"nav.{page.name}") for page in listed}


def entries(context: Context, here: str) -> list[Entry]:
    """The navigation on the page `here`, after the search. The search page is the same for all visitors, so where owners
    log in, it has their entry hidden."""
    below = {"explore": pages_in("explore", context)}
    listed = [Entry(name, label, below.get(name, {})) for name, label in pages_in("main", context).items()]
    asks = here == "search" and context.owner_tools is not None and not context.everyone_is_owner
    if context.is_owner or asks:
        tools = pages_in("owner", context)
        listed.append(Entry("collection", tools["collection"], tools, hidden=asks))
    return listed
