"""`/how`: explains how the search works, its terms and its limits."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.ui.context import Context
from artsim.ui.markup import Markup, element
from artsim.ui.pages.layout import document, view

_WORDS = ("subject", "style", "color", "layout", "percentile", "close", "ranking")
_LIMITS = ("likeness", "network", "pictures", "collection", "bias")


def routes(context: Context) -> list[Route]:
    return [Route("/how", view(context, "how", _how))]


def _how(context: Context, request: Request) -> Response:
    strings = context.strings
    steps = [element("li", strings(f"how.step.{number}")) for number in (1, 2, 3, 4)]
    return document(
        context,
        "how",
        element("h1", strings("how.title")),
        element("p", strings("how.lead"), class_="lead"),
        element("div",
            element("h2", strings("how.steps")),
            element("ol", *steps),
            element("h2", strings("how.words")),
            element("dl", *(_entry(context, "word", name) for name in _WORDS)),
            element("h2", strings("how.limits")),
            element("dl", *(_entry(context, "limit", name) for name in _LIMITS)),
            element("h2", strings("how.pictures")),
            element("p", strings("how.pictures.text")),
            class_="prose"),
        title=strings("how.title"),
        styles=("how.css",),
    )  # fmt: skip


def _entry(context: Context, kind: str, name: str) -> Markup:
    """A term or a limit with its explanation, as a target for links: `how#word-style`."""
    strings = context.strings
    return element(
        "div",
        element("dt", strings(f"how.{kind}.{name}")),
        element("dd", strings(f"how.{kind}.{name}.text")),
        id=f"{kind}-{name}",
    )
