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


_PAGES: tuple[_Page, ...] = ()


def page_routes(context: Context) -> list[Route]:
    """The routes of all pages. Their modules are loaded here."""
    modules = (import_module(f"artsim.ui.pages.{page.name.replace('-', '_')}") for page in _PAGES)
    return [route for module in modules for route in module.routes(context)]


def in_navigation(context: Context) -> list[str]:
    """Names of the pages that the navigation lists, in its order."""
    return [page.name for page in _PAGES if page.listed(context)]
