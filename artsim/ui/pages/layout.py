"""Shared by all pages: the HTML document, the visitor's language, and error pages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from artsim.errors import ArtsimError
from artsim.ui.context import Context
from artsim.ui.error_text import error_markup
from artsim.ui.language import language_of, remember_language
from artsim.ui.pages.footer import about
from artsim.ui.pages.masthead import masthead
from artsim.ui.templates import render

log = logging.getLogger(__name__)

Render = Callable[[Context, Request], Response]
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' https: data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)


def view(context: Context, name: str, render: Render) -> Callable[[Request], Response]:
    """An endpoint that responds with `render(context, request)` in the visitor's language.

    Starlette runs it in a thread. An `ArtsimError` becomes a page with its message (400), any other exception an error
    page (500), with the traceback in the log.
    """

    def endpoint(request: Request) -> Response:
        localized = context.for_visitor(language_of(request), request)
        try:
            response = render(localized, request)
        except ArtsimError as error:
            response = error_page(localized, name, error_markup(error, localized.strings), status=400)
        except Exception:
            log.exception("The page %s failed.", name)
            response = error_page(localized, name, localized.strings("error.internal"), status=500)
        return remember_language(request, response)

    return endpoint


def page(
    context: Context,
    name: str,
    template: str = "",
    *,
    title: str,
    scripts: tuple[str, ...] = (),
    styles: tuple[str, ...] = (),
    facts: Mapping[str, Any] | None = None,
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """The page `name`: its template (`pages/NAME.html` by default), which extends `pages/layout.html`, with `values`.

    `scripts` and `styles` are names of assets; `facts` are data for the scripts, as JSON in the element `#facts`.
    """
    html = render(
        template or f"pages/{name}.html",
        context.strings,
        context=context,
        name=name,
        title=title,
        scripts=scripts,
        styles=styles,
        facts=facts or {},
        masthead=masthead(context, name),
        about=about(context),
        **values,
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


def error_page(context: Context, name: str, message: str, *, status: int) -> HTMLResponse:
    title = context.strings("error.title")
    return page(context, name, "pages/error.html", title=title, status=status, message=message)
