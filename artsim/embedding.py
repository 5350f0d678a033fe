"""The parts of a query -> raw vectors. A picture just searched with is not embedded again when only the weights change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from artsim.contents import IndexedSpace
from artsim.encoders.base import Blocks, Encoder
from artsim.images import ImageLike, crop_region, load_image, read_file
from artsim.search import Part

_RECENT = 64  # pictures whose vectors are kept: some 30 kB each

Key = tuple[str, str, tuple[float, float, float, float] | None, bytes]


class QueryEmbedding:
    """See `artsim.search.Embed`. Safe to use from several threads: at worst, a picture is embedded twice.

    `encoder` gives the encoder of a space by its name, `picture` the picture of a work by its id.
    """

    def __init__(self, encoder: Callable[[str], Encoder], picture: Callable[[str], bytes]) -> None:
        self._encoder, self._picture = encoder, picture
        self._recent: dict[Key, Blocks] = {}

    def images(self, space: IndexedSpace, parts: Sequence[Part]) -> Blocks:
        rows = [self._embed(space, part) for part in parts]
        return {aspect: np.concatenate([row[aspect] for row in rows]) for aspect in rows[0]}

    def texts(self, space: IndexedSpace, texts: Sequence[str]) -> np.ndarray:
        return self._encoder(space.name).embed_texts(texts)

    def _embed(self, space: IndexedSpace, part: Part) -> Blocks:
        """Raw blocks (1, d each) of one picture."""
        from artsim.encoders import embed

        source, name = _opened(self._picture(part.work) if part.work is not None else part.image, part.work)
        key = (space.encoder, space.revision, part.region, _digest(source))
        blocks = self._recent.get(key)
        if blocks is None:
            encoder = self._encoder(space.name)
            image = load_image(source, short_side=None if part.region else 2 * encoder.short_side, name=name)
            blocks = embed(encoder, [crop_region(image, part.region) if part.region else image])
            for oldest in list(self._recent)[: max(0, len(self._recent) - _RECENT + 1)]:
                self._recent.pop(oldest, None)
            self._recent[key] = blocks
        return blocks


def _opened(source: ImageLike | None, work: str | None) -> tuple[bytes | Image.Image, str | None]:
    """The picture as bytes or as it is, and what to call it in messages."""
    assert source is not None  # `check_query` lets no part through without
    if isinstance(source, bytes | Image.Image):
        return source, work
    return read_file(source), str(source)


def _digest(source: bytes | Image.Image) -> bytes:
    if isinstance(source, bytes):
        return hashlib.sha256(source).digest()
    return hashlib.sha256(
        repr((source.mode, source.size, source.info.get("exif"))).encode() + source.tobytes()
    ).digest()
