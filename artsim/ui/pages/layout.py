"""Shared by all pages: the HTML document, the visitor's language, and error pages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from artsim.errors import ArtsimError, BusyError
from artsim.ui.addresses import path_in_app
from artsim.ui.context import Context
from artsim.ui.error_text import shown_error
from artsim.ui.language import language_of, remember_language
from artsim.ui.pages.footer import about
from artsim.ui.pages.masthead import masthead
from artsim.ui.seats import RETRY_AFTER
from artsim.ui.sharing import Preview, about_search, sharing
from artsim.ui.templates import render

log = logging.getLogger(__name__)

Render = Callable[[Context, Request], Response]
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:{pictures}; "
    "connect-src 'self'; form-action 'self'; base-uri 'self'"
)


def view(context: Context, name: str, render: Render, *, seated: bool = False) -> Callable[[Request], Response]:
    """An endpoint that responds with `render(context, request)` in the visitor's language.

    Starlette runs it in a thread; what searches or embeds is `seated`. A `BusyError` becomes a page with its message (503),
    another `ArtsimError` one with status 400, any other exception an error page (500), with the traceback in the log.
    """

    def endpoint(request: Request) -> Response:
        localized = context.for_visitor(language_of(request), request)
        try:
            response = context.seats.run(partial(render, localized, request)) if seated else render(localized, request)
        except BusyError as error:
            response = error_page(localized, name, shown_error(error, localized), status=503)
            response.headers["Retry-After"] = str(RETRY_AFTER)
        except ArtsimError as error:
            response = error_page(localized, name, shown_error(error, localized), status=400)
        except Exception:
            log.exception("The page %s failed.", name)
            response = broken_page(localized, name)
        return remember_language(request, _keeping_view(request, response))

    return endpoint


def _keeping_view(request: Request, response: Response) -> Response:
    """A redirect with the language and the theme of the request: without cookies, nothing else remembers them."""
    kept = {name: value for name in ("lang", "__theme") if (value := request.query_params.get(name))}
    if kept and "location" in response.headers:
        address = response.headers["location"]
        response.headers["location"] = f"{address}{'&' if '?' in address else '?'}{urlencode(kept)}"
    return response


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
    pictured: Mapping[str, Any] | None = None,
    **values: Any,
) -> HTMLResponse:
    """The page `name`: its template (`pages/NAME.html` by default), which extends `pages/layout.html`, with `values`.

    `scripts` and `styles` are names of assets; `facts` are data for the scripts, as JSON in the element `#facts`.
    `pictured` is the work that other sites show with a link to the page.
    """
    preview = Preview(title, about_search(context), pictured)
    request = context.request
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
        sharing="" if request is None else sharing(context, request, preview),
        base="" if request is None else _base(request),
        **values,
    )
    pictures = "" if context.collection.manifest.embeds_pictures else " https:"  # they are where their addresses lead
    policy = _POLICY.format(pictures=pictures)
    return HTMLResponse(html, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def _base(request: Request) -> str:
    """What relative addresses of a page are relative to, where that is not the folder of its own address."""
    root = request.scope.get("root_path", "")
    return f"{root}/" if "/" in path_in_app(request.scope).lstrip("/") else ""


def error_page(context: Context, name: str, message: str, *, status: int, title: str = "error.title") -> HTMLResponse:
    """A page with a message. `title` is the key of its heading."""
    heading = context.strings(title)
    return page(context, name, "pages/error.html", title=heading, status=status, message=message)


def missing_page(context: Context) -> HTMLResponse:
    """The page for an address that leads nowhere (404)."""
    return error_page(context, "", context.strings("error.missing"), status=404, title="error.missing.title")


def broken_page(context: Context, name: str = "") -> HTMLResponse:
    """The page for an exception, whose traceback is in the log (500)."""
    return error_page(context, name, context.strings("error.internal"), status=500, title="error.internal.title")


def whole_number(text: str | None) -> int:
    """A number in the query of an address; 0 for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0
