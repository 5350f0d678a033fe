"""Pages that Gradio makes show the collection as it is now.

A component can follow the collection (`follow`). When a page is asked for and the collection has changed since the last
one, the components that follow it are changed in place (`change`), and the configuration of the pages is computed again.

Gradio: tried with 6.31.0.
Reason: Gradio computes the configuration of its pages once, at the launch, and sends it to every visitor from then on. What
    an event changes, only its own visitor sees (gradio-app/gradio#10699, #10755). A value that is a function reaches the
    page with a request of its own, after the page is drawn.
Remove when: Gradio can compute the configuration of its pages again while it runs.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from artsim.collection import Collection
from artsim.messages.strings import languages
from artsim.storage.manifest import Manifest
from artsim.ui.addresses import path_in_app

log = logging.getLogger(__name__)

_RENEW = "artsim_renew"
C = TypeVar("C")


def follow(component: C, renew: Callable[[C], None]) -> C:
    """Returns the component; `renew(component)` brings it up to date whenever the collection has changed."""
    setattr(component, _RENEW, renew)
    return component


def change(component: Any, **attributes: Any) -> None:
    """Set `attributes` of a component, such as `value` and `visible`, for pages that are opened from now on."""
    for name, value in attributes.items():
        setattr(component, name, value)


def following_html(draw: Callable[[], str], **options: Any) -> gr.HTML:
    """HTML that shows what `draw` returns, and follows the collection."""
    html = gr.HTML(draw(), apply_default_css=False, **options)
    return follow(html, lambda shown: change(shown, value=draw()))


class Following:
    """ASGI middleware that brings the pages up to date before they are sent."""

    def __init__(self, app: ASGIApp, collection: Collection) -> None:
        self._app, self._collection = app, collection
        self._shown: tuple[Any, Manifest] = (None, collection.manifest)
        self._remember()
        self._lock = threading.Lock()
        self._pages = {"", "config", *languages()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and path_in_app(scope).strip("/") in self._pages and self._is_old():
            await run_in_threadpool(self._renew, scope["app"])
        await self._app(scope, receive, send)

    def _remember(self) -> None:
        """Store what the pages are about to show; the state weakly, as an old one is large."""
        self._shown = (weakref.ref(self._collection.state), self._collection.manifest)

    def _is_old(self) -> bool:
        return (self._shown[0](), self._shown[1]) != (self._collection.state, self._collection.manifest)

    def _renew(self, app: Any) -> None:
        with self._lock:
            if not self._is_old():
                return
            self._remember()
            blocks = app.get_blocks()
            try:
                for component in list(blocks.blocks.values()):
                    if renew := getattr(component, _RENEW, None):
                        renew(component)
                blocks.config = blocks.get_config_file()
            except Exception:
                log.exception("The pages still show the collection as it was.")
