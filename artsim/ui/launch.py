"""The life of the app: serve a collection, reopen another one on request, stop cleanly."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from artsim.curation.following import FolderFollower
from artsim.curation.library import Library
from artsim.curation.session import EditSession
from artsim.encoders.zero_gpu import is_zero_gpu
from artsim.errors import ArtsimError
from artsim.messages.strings import load_strings
from artsim.ui.auth import Owner, OwnerTools
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.no_matplotlib import hide_matplotlib
from artsim.ui.kept_uploads import own_folder
from artsim.ui.readiness import Readiness
from artsim.ui.settings import Settings, is_space
from artsim.ui.startup import OpenedCollection, open_or_build
from artsim.ui.thumbnail_cache import Thumbnails

log = logging.getLogger(__name__)

_HUBS_PROXIES = "127.0.0.1,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
"""Private networks: a Space is asked by the Hub's proxy, which says who asks. Else all visitors together would be one."""
_REQUESTS_AT_STOP = 5.5  # seconds that requests may go on running when the app stops
_LOADING_AT_STOP = 2.0  # seconds that an encoder may go on loading when the app stops


def serve(settings: Settings) -> int:
    """Open or build the collection, and serve until interrupted, also across changes of the collection. The page is up before
    the encoder is loaded. Raises as `open_or_build`."""
    given = os.environ.get("GRADIO_TEMP_DIR")
    with own_folder(Path(given) if given else settings.cache / "uploads") as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder)  # read when Gradio is imported
        if is_space(os.environ):
            os.environ.setdefault("FORWARDED_ALLOW_IPS", _HUBS_PROXIES)  # read when the server starts
        hide_matplotlib()
        opened = open_or_build(settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        owner = Owner(settings.owner_token) if settings.allow_changes else None
        with suppress(KeyboardInterrupt):  # while nothing is served
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
    follower = FolderFollower(collection) if _has_other_owner(opened, settings) else None
    context = Context(
        collection=collection,
        thumbnails=Thumbnails(collection, settings.cache),
        readiness=Readiness(collection),
        strings=load_strings(),
        encoder=opened.encoder,
        encoder_reason=opened.reason,
        owner_tools=owner_tools,
        follows_folder=follower is not None,
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
    if follower is not None:
        follower.start()
    reopen = threading.Event() if owner_tools is None else owner_tools.reopen
    try:
        if owner_tools is not None:
            log.info("Your own works: %scollection", interface.local_url)
        while not reopen.wait(1.0):  # with a limit, as Windows ignores Ctrl+C while it waits
            pass
    except KeyboardInterrupt:
        log.info("Stopping.")
    finally:
        closing = threading.Thread(target=interface.close, kwargs={"verbose": False}, daemon=True)
        closing.start()  # takes no more requests, and waits for those that run
        closing.join(_REQUESTS_AT_STOP)
        context.thumbnails.stop()
        if follower is not None:
            follower.stop()
        if owner_tools is not None:
            owner_tools.session.close()
        context.readiness.wait(_LOADING_AT_STOP)
    return int(interface.server_port) if reopen.is_set() else None


def _has_other_owner(opened: OpenedCollection, settings: Settings) -> bool:
    """Whether another process may save what is served here. The embedded default and what comes from the Hub are never saved."""
    is_saved = settings.collection is not None or opened.own is not None
    return not settings.allow_changes and is_saved and opened.collection.origin is None


def _stop(*_: Any) -> None:
    """Handle SIGTERM like Ctrl+C, so that unsaved changes are saved; nothing interrupts that."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
