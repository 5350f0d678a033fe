"""Shared by all pages: the HTML document, the visitor's language, and error pages."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from artsim.errors import ArtsimError
from artsim.ui.assets import asset_address
from artsim.ui.context import Context
from artsim.ui.error_text import error_markup
from artsim.ui.language import language_of, remember_language, search_address
from artsim.ui.markup import Markup, element, join
from artsim.ui.pages.footer import about
from artsim.ui.pages.masthead import masthead

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
        localized = context.in_language(language_of(request))
        try:
            response = render(localized, request)
        except ArtsimError as error:
            response = error_page(localized, name, error_markup(error, localized.strings), status=400)
        except Exception:
            log.exception("The page %s failed.", name)
            response = error_page(localized, name, localized.strings("error.internal"), status=500)
        return remember_language(request, response)

    return endpoint


def document(
    context: Context,
    name: str,
    *content: str,
    title: str,
    scripts: tuple[str, ...] = (),
    styles: tuple[str, ...] = (),
    facts: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The page `name` with `content`, which starts with its own `<h1>`.

    `scripts` and `styles` are names of assets; `facts` are data for the scripts, as JSON in the element `#facts`.
    """
    strings = context.strings
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href=asset_address("icon.svg"), type="image/svg+xml"),
        element("title", f"{title} · {strings('page.title', collection=context.collection.manifest.title)}"),
        *(element("link", rel="stylesheet", href=asset_address(style)) for style in ("style.css", *styles)),
    ]
    facts_json = json.dumps(facts or {}, ensure_ascii=True).replace("<", "\\u003c")
    body = [
        element("script", src=asset_address("theme.js")),
        element("div", masthead(context, name), element("main", *content, class_=f"page page-{name}"), about(context),
                class_="gradio-container plain-page"),
        element("script", Markup(facts_json), type="application/json", id="facts"),
        *(element("script", src=asset_address(script), type="module") for script in scripts),
    ]  # fmt: skip
    html = element("html", element("head", *head), element("body", *body), lang=strings.language, dir=strings.direction)
    return HTMLResponse(
        "<!doctype html>\n" + html, status, {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    )


def error_page(context: Context, name: str, message: str, *, status: int) -> HTMLResponse:
    strings = context.strings
    return document(
        context,
        name,
        element("h1", strings("error.title")),
        element("p", join(message), class_="notice", role="alert"),
        element("p", element("a", strings("error.back"), href=search_address(strings.language))),
        title=strings("error.title"),
        status=status,
    )
