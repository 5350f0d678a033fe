"""The encoder is loaded behind the page: whether it is there yet, or why it will not be."""

from __future__ import annotations

import gc
import logging
import threading
from typing import Literal

from PIL import Image

from artsim.collection import Collection
from artsim.errors import ArtsimError

log = logging.getLogger(__name__)

_WARM_UP = Image.new("RGB", (640, 480), (128, 120, 110))


class Readiness:
    """`state` goes from "loading" to "ready" or "failed"; `reason` then says why."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.state: Literal["loading", "ready", "failed"] = "loading"
        self.reason: str = ""
        self.embeds_text = False

    def start(self) -> None:
        """Load the encoder behind the page, unless it is there."""
        if self.state != "loading":
            return
        threading.Thread(target=self.load, name="encoder", daemon=True).start()

    def load(self) -> None:
        """Load the encoder now."""
        try:
            encoder = self._collection.encoder()
            self._collection.search(
                image=_WARM_UP, k=1
            )  # the first search takes longest, and nobody waits for this one
        except ArtsimError as error:
            self.state, self.reason = "failed", error.message
            log.error("The encoder cannot be loaded: %s", error)  # noqa: TRY400  # a sentence for people, no traceback
        except Exception as error:
            self.state, self.reason = "failed", type(error).__name__
            log.exception("The encoder cannot be loaded.")
        else:
            self.embeds_text = encoder.embeds_text or self._others_read_words()
            self.state = "ready"
            log.info("The encoder %s is ready (on %s).", encoder.id, encoder.device)
            warm_up = getattr(encoder, "warm_up", None)  # of encoders that need longer for the first picture of a shape
            if warm_up is not None:
                warm_up()
            _set_aside()

    def _others_read_words(self) -> bool:
        """Whether an encoder beside the first reads words; one that cannot be loaded is told of, and does not."""
        for space in self._collection.state.spaces[1:]:
            try:
                if self._collection.encoder(space.name).embeds_text:
                    return True
            except ArtsimError as error:
                log.warning("The encoder %s cannot be loaded: %s", space.encoder, error)
        return False


def _set_aside() -> None:
    """What is in memory now mostly stays there: let Python no longer look through it for garbage, which takes 0.2 s a time."""
    gc.unfreeze()  # what was set aside for a collection that is no longer open
    gc.collect()
    gc.freeze()
