"""Loads the encoder in the background and reports its state."""

from __future__ import annotations

import gc
import logging
import threading
from typing import Literal

from PIL import Image

from artsim.collection import Collection
from artsim.errors import ArtsimError
from artsim.images.decode import to_file
from artsim.ui.allocator import give_holes_back

log = logging.getLogger(__name__)

_WARM_UP = Image.new("RGB", (640, 480), (128, 120, 110))


class Readiness:
    """`state` changes from "loading" to "ready" or "failed"; `reason` is the cause of a failure."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.state: Literal["loading", "ready", "failed"] = "loading"
        self.reason: str = ""
        self.embeds_text = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Load the encoder in a background thread, unless it has been loaded."""
        if self.state != "loading":
            return
        self._thread = threading.Thread(target=self.load, name="encoder", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until the background thread has ended: a process that exits while it runs native code aborts."""
        if self._thread is not None:
            self._thread.join(seconds)

    def load(self) -> None:
        """Load the encoder in this thread."""
        try:
            encoder = self._collection.encoder()
            self._collection.search(image=to_file(_WARM_UP), k=1)  # warm-up: the first search takes longest
        except ArtsimError as error:
            self.state, self.reason = "failed", error.message
            log.error("The encoder cannot be loaded: %s", error)  # noqa: TRY400  # a message for people, no traceback
        except Exception as error:
            self.state, self.reason = "failed", type(error).__name__
            log.exception("The encoder cannot be loaded.")
        else:
            self.embeds_text = encoder.embeds_text or self._others_embed_text()
            self.state = "ready"
            log.info("The encoder %s is ready (on %s).", encoder.id, encoder.device)
            _freeze_objects()
            give_holes_back()  # weights were read and converted

    def _others_embed_text(self) -> bool:
        """Whether an encoder other than the first embeds text; one that cannot be loaded is logged and does not count."""
        for space in self._collection.state.spaces[1:]:
            try:
                if self._collection.encoder(space.name).embeds_text:
                    return True
            except ArtsimError as error:
                log.warning("The encoder %s cannot be loaded: %s", space.encoder, error)
        return False


def _freeze_objects() -> None:
    """Exclude existing objects from garbage collection: most stay alive, and scanning them takes 0.2 s each time."""
    gc.unfreeze()  # objects of a collection that is no longer open
    gc.collect()
    gc.freeze()
