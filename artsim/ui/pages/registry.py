"""The pages beside the search: HTML from the server, each at its own address `/NAME`.

A page is a module with `routes(context)`; add it to `_PAGES`. Its sentences are in `locales/*/NAME.json`, its script and
style, if it has any, in `assets/NAME.js` and `assets/NAME.css`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from starlette.routing import Route

from artsim.ui.context import Context


@dataclass(frozen=True)
class _Page:
    name: str
    """Address and module, and with `nav.` before it the key of what the navigation calls it."""
    listed: Callable[[Context], bool] = lambda context: True
    """Whether the navigation shows it. (Other pages are reached from works.)"""
    module: str = ""
    """Where it is made, if not in `artsim.ui.pages.NAME`."""


def _has_years(context: Context) -> bool:
    return any(facet.column == "year" and facet.kind == "range" for facet in context.facets)


def _has_pictures(context: Context) -> bool:
    return context.collection.manifest.images == "bytes"


def _is_the_owners(context: Context) -> bool:
    """Whether everyone who sees the navigation is the owner."""
    return context.owner_tools is not None and not context.owner_tools.owner.logs_in


def _has_encoders(context: Context) -> bool:
    return len(context.collection.state.spaces) > 1


def _never(context: Context) -> bool:
    return False


_PAGES: tuple[_Page, ...] = (
    _Page("map"),
    _Page("browse"),
    _Page("path", _has_pictures),
    _Page("compare", _never),
    _Page("timeline", _has_years),
    _Page("duplicates", _has_pictures),
    _Page("encoders", _has_encoders),
    _Page("evaluation"),
    _Page("how"),
    _Page("why", _never),
    _Page("collection", _is_the_owners, "artsim.ui.owner.page"),
)
"""In the order of the navigation."""


def page_routes(context: Context) -> list[Route]:
    """The routes of all pages. Their modules are loaded here."""
    modules = (import_module(page.module or f"artsim.ui.pages.{page.name}") for page in _PAGES)
    return [route for module in modules for route in module.routes(context)]


def page_names() -> set[str]:
    """Names of the pages that there are: what other views may link to."""
    return {page.name for page in _PAGES}


def in_navigation(context: Context) -> list[str]:
    """Names of the pages that the navigation lists, in its order."""
    return [page.name for page in _PAGES if page.listed(context)]
