"""The interface on a port, with what runs behind it: the encoder being loaded, thumbnails being made."""

from __future__ import annotations

import logging
import os

from artsim.gpu import is_zero_gpu
from artsim.settings import Settings
from artsim.ui.startup import Opened

log = logging.getLogger(__name__)


def serve(opened: Opened, settings: Settings) -> int:
    """Serve until interrupted. The page is up before the encoder is loaded."""
    os.environ.setdefault("GRADIO_TEMP_DIR", str(settings.cache / "uploads"))  # read when Gradio is imported
    from artsim.facets import choose_facets, varied_works
    from artsim.thumbnails import Thumbnails
    from artsim.ui.context import Context
    from artsim.ui.interface import build_interface, launch_options
    from artsim.ui.readiness import Readiness
    from artsim.ui.routes import extra_routes, middleware
    from artsim.ui.strings import load_strings

    collection = opened.collection
    context = Context(
        collection=collection,
        thumbnails=Thumbnails(collection, settings.cache),
        readiness=Readiness(collection),
        strings=load_strings(),
        facets=tuple(choose_facets(collection.contents)),
        examples=tuple(varied_works(collection.contents)),
        aspects=collection.contents.spaces[0].space.aspects,
        encoder=opened.encoder,
        encoder_reason=opened.reason,
    )
    if is_zero_gpu():  # its functions must be known before launch
        context.readiness.load()
    interface = build_interface(context)
    interface.launch(
        server_name=settings.host,
        server_port=settings.port,
        prevent_thread_lock=True,
        app_kwargs={"routes": extra_routes(context), "middleware": middleware()},
        **launch_options(context),
    )
    log.info("Open %s in a browser. Stop with Ctrl+C.", interface.local_url)
    context.readiness.start()
    context.thumbnails.make_ahead(context.examples)
    interface.block_thread()
    return 0
