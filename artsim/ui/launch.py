"""The life of the app: serve a collection, reopen another one on request, stop cleanly."""

from __future__ import annotations

import logging
import os
import signal
from dataclasses import replace
from typing import Any

from artsim.curation.library import Library
from artsim.curation.session import EditSession
from artsim.encoders.zero_gpu import is_zero_gpu
from artsim.errors import ArtsimError
from artsim.messages.strings import load_strings
from artsim.ui.auth import Owner, OwnerTools
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.no_matplotlib import hide_matplotlib
from artsim.ui.readiness import Readiness
from artsim.ui.settings import Settings
from artsim.ui.startup import OpenedCollection, open_or_build
from artsim.ui.thumbnail_cache import Thumbnails

log = logging.getLogger(__name__)

_LOADING_AT_STOP = 8.0  # seconds that an encoder may go on loading when the app stops


def serve(opened: OpenedCollection, settings: Settings) -> int:
    """Serve until interrupted, also across changes of the collection. The page is up before the encoder is loaded."""
    os.environ.setdefault("GRADIO_TEMP_DIR", str(settings.cache / "uploads"))  # read when Gradio is imported
    hide_matplotlib()
    signal.signal(signal.SIGTERM, _stop)
    owner = Owner(settings.owner_token) if settings.allow_changes else None
    port = _serve(opened, settings, owner)
    while port is not None:
        settings = replace(settings, port=port)
        opened = _open_another(opened, settings)
        port = _serve(opened, settings, owner)
    return 0


def _open_another(before: OpenedCollection, settings: Settings) -> OpenedCollection:
    """The collection that the library names now, or `before` if it cannot be opened (for example without the Hub)."""
    try:
        return open_or_build(settings)
    except ArtsimError as error:
        log.warning("%s The collection that was open stays open.", error)
        Library(settings.cache).open(settings.collection, before.own)
        return before


def _serve(opened: OpenedCollection, settings: Settings, owner: Owner | None) -> int | None:
    """Serve one collection. Returns the port if another collection shall be opened there, None if interrupted."""
    from artsim.ui.interface import launch_interface

    collection = opened.collection
    owner_tools = None
    if owner is not None:
        library = Library(settings.cache)
        session = EditSession(collection, library, settings.cache, requested=settings.collection, own=opened.own)
        owner_tools = OwnerTools(owner, session)
    context = Context(
        collection=collection,
        thumbnails=Thumbnails(collection, settings.cache),
        readiness=Readiness(collection),
        strings=load_strings(),
        encoder=opened.encoder,
        encoder_reason=opened.reason,
        owner_tools=owner_tools,
        iiif_hosts=settings.iiif_hosts,
        all_formats=settings.all_formats,
    )
    if is_zero_gpu():  # ZeroGPU registers its functions before launch
        context.readiness.load()
    interface = launch_interface(context, settings)
    log.info("Open %s in a browser. Stop with Ctrl+C.", interface.local_url)
    log.info("MCP tools: %sgradio_api/mcp/", interface.local_url)
    context.readiness.start()
    collection.label_indexes.keep_ready(collection.state.table)
    context.thumbnails.make_ahead(context.examples)
    try:
        if owner_tools is None:
            interface.block_thread()
            return None
        log.info("Your own works: %scollection", interface.local_url)
        while not owner_tools.reopen.wait(1.0):  # with a limit, as Windows ignores Ctrl+C while it waits
            pass
        interface.close(verbose=False)
    except KeyboardInterrupt:
        log.info("Stopping.")
    finally:
        context.thumbnails.stop()
        if owner_tools is not None:
            owner_tools.session.close()
        context.readiness.wait(_LOADING_AT_STOP)
    return int(interface.server_port) if owner_tools is not None and owner_tools.reopen.is_set() else None


def _stop(*_: Any) -> None:
    """Handle SIGTERM like Ctrl+C, so that unsaved changes are saved."""
    raise KeyboardInterrupt
