"""An encoder that counts, and a small one for processes that should start at once."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from artsim.encoders.protocol import Blocks, unit_rows


class Counting:
    """A real encoder that counts the pictures it embeds, and is interrupted after a given number of them."""

    def __init__(self, encoder: Any, *, fail_after: int | None = None) -> None:
        self._encoder, self._fail_after = encoder, fail_after
        self.seen = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def for_queries(self) -> "Counting":
        return self

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        if self._fail_after is not None and self.seen + len(images) > self._fail_after:
            self._fail_after = 0  # nothing goes on beside it
            raise KeyboardInterrupt  # as Ctrl-C in the middle of a batch
        self.seen += len(images)
        return self._encoder.embed_images(images)


class Grid:
    """An encoder of a few lines: the colours of 4 x 4 places. It imports no network."""

    id, revision, device, embeds_text, short_side = "grid", "1", "cpu", False, 32
    segments: ClassVar = {"subject": (48,), "style": (48,), "layout": (48,)}
    dims: ClassVar = {"subject": 48, "style": 48, "layout": 48}

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        rows = unit_rows(np.stack([np.asarray(image.resize((4, 4)), np.float32).reshape(-1) for image in images]))
        return {"subject": rows, "style": rows, "layout": rows}
