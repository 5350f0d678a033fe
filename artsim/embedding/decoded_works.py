"""Decoded works: the form in which the pictures of a source, an upload or a caller are embedded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from artsim.embedding.embedded_works import ReadFile
from artsim.embedding.preprocessing import Preprocessing, decode_picture
from artsim.encoders.protocol import Encoder
from artsim.errors import QueryError
from artsim.images.decode import OWNER_SECONDS, read_file, to_file
from artsim.images.local_features import PICTURE_SIDE

_DEFAULT = Preprocessing()


@dataclass(frozen=True)
class DecodedWork:
    """A work whose picture is decoded, ready to be embedded."""

    work: Mapping[str, Any]
    """Metadata columns."""
    read: ReadFile
    sha256: str
    """Of the picture file."""
    image: Image.Image
    """All of the picture."""
    seen: Image.Image
    """What encoders see: without margins."""


def decode_side(encoders: Iterable[Encoder], *, recognition: bool = False) -> int:
    """The short side in pixels at which every picture is decoded for `encoders`: twice the largest that they use.

    With `recognition`, large enough for what works are recognised by.
    """
    side = 2 * max(encoder.short_side for encoder in encoders)
    return max(side, PICTURE_SIDE) if recognition else side


def decode_work(
    work: Mapping[str, Any],
    picture: bytes,
    *,
    side: int,
    name: str,
    preprocessing: Preprocessing = _DEFAULT,
    read: ReadFile | None = None,
) -> DecodedWork:
    """Decode the picture file of a work at `side`. `ImageError`, in which it is called `name`, if it is unusable.

    `read` gives the bytes of `picture` again; without it, they stay in memory.
    """
    decoded = decode_picture(picture, side=side, preprocessing=preprocessing, name=name, seconds=OWNER_SECONDS)
    sha256 = hashlib.sha256(picture).hexdigest()
    return DecodedWork(work, read or partial(bytes, picture), sha256, decoded.image, decoded.seen)


def decode_works(
    works: Sequence[Mapping[str, Any]], *, side: int, preprocessing: Preprocessing = _DEFAULT
) -> list[DecodedWork]:
    """Read and decode works, each a mapping with `image` (path, bytes or PIL). `ImageError` for an unreadable one."""
    named = [(work, _name(work, number)) for number, work in enumerate(works)]
    return [
        decode_work(work, _picture_bytes(work), side=side, name=name, preprocessing=preprocessing)
        for work, name in named
    ]


def _picture_bytes(work: Mapping[str, Any]) -> bytes:
    image = work.get("image")
    if isinstance(image, bytes):
        return image
    if isinstance(image, Image.Image):
        return to_file(image)
    if isinstance(image, str | Path):
        return read_file(image)
    raise QueryError("Each work to add needs an image: a path, bytes or a PIL picture.")


def _name(work: Mapping[str, Any], number: int) -> str:
    image = work.get("image")
    return str(image) if isinstance(image, str | Path) else str(work.get("id") or f"picture {number + 1}")
