"""Registry of the pages beside the search: server-side HTML, each page at its own address `/NAME`.

A page is a module with `routes(context)` and one line in `_PAGES`; other packages call `register_page`. Its messages are
in `messages/locales/*/NAME.json`, its script and style, if any, in `assets/NAME.js` and `assets/NAME.css`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from starlette.routing import Route

from artsim.ui.context import Context


@dataclass(frozen=True)
class Page:
    """One page. Its module is imported only when the app starts."""

    name: str
    """Its address; `nav.NAME` is the key of its label in the navigation."""
    listed: Callable[[Context], bool] = lambda context: True
    """Whether the navigation lists it. (Other pages are linked from works.)"""
    module: str = ""
    """The module with `routes(context)`; by default `artsim.ui.pages.NAME`."""
    label: str = ""
    """Its label in the navigation, for a page without messages in `messages/locales`."""


def _has_pictures(context: Context) -> bool:
    return context.collection.manifest.embeds_pictures


def _has_encoders(context: Context) -> bool:
    return len(context.collection.state.spaces) > 1


def _never(context: Context) -> bool:
    return False


_PAGES: list[Page] = [
    Page("map"),
    Page("browse"),
    Page("path", _has_pictures),
    Page("compare", _never),
    Page("timeline", lambda context: context.has_years),
    Page("duplicates", _has_pictures),
    Page("encoders", _has_encoders),
    Page("evaluation"),
    Page("how"),
    Page("why", _never),
    Page("echoes", _never),
    Page("collection", lambda context: context.everyone_is_owner, "artsim.ui.owner.page"),
]
"""In the order of the navigation."""


def register_page(page: Page) -> None:
    """Add a page, last in the navigation. Call before the app starts."""
    _PAGES.append(page)


def page_routes(context: Context) -> list[Route]:
    """The routes of all pages. Imports their modules."""
    modules = (import_module(page.module or f"artsim.ui.pages.{page.name}") for page in _PAGES)
    return [route for module in modules for route in module.routes(context)]


def page_names() -> set[str]:
    """Names of all registered pages, which other views may link to."""
    return {page.name for page in _PAGES}


def in_navigation(context: Context) -> dict[str, str]:
    """The pages in the navigation, in order: name -> label."""
    return {page.name: page.label or context.strings(f"nav.{page.name}") for page in _PAGES if page.listed(context)}
