"""Thumbnails in two sizes, each made once: on demand when a page asks for it, or ahead of time in the background."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from artsim.collection import Collection
from artsim.errors import ArtsimError
from artsim.images.decode import load_image, thumbnail

SMALL, LARGE = 400, 1200
SIZES = (SMALL, LARGE)
"""Pixels of the longer side."""
_QUIET = 3.0  # seconds after the last request until thumbnails are made ahead again
_AHEAD = 5000  # works whose small thumbnail is made before anyone asks

log = logging.getLogger(__name__)


class Thumbnails:
    """The thumbnails of one collection, in a folder of their own under `cache`. Safe to use from several threads."""

    def __init__(self, collection: Collection, cache: Path) -> None:
        self._collection = collection
        source = sorted((str(key), str(value)) for key, value in collection.manifest.source.items())
        fingerprint = hashlib.sha256(repr((collection.manifest.title, source)).encode()).hexdigest()[:16]
        self.folder = cache / "thumbnails" / fingerprint
        self._stop = threading.Event()
        self._asked = 0.0

    @staticmethod
    def key(work: Mapping[str, Any]) -> str:
        """Tells the pictures of works apart, and the new picture of a work from its old one."""
        return hashlib.sha256(f"{work['id']}\0{work.get('sha256') or ''}".encode()).hexdigest()[:24]

    def path(self, identity: str, size: int) -> Path | None:
        """The WebP file with the picture of a work, made now if need be; None when the picture cannot be used.

        `size` is one of `SIZES`. `QueryError` when there is no such work.
        """
        self._asked = time.monotonic()
        return self._made(identity, size)

    def _made(self, identity: str, size: int) -> Path | None:
        path = self._file(identity, size)
        if not path.is_file():
            try:
                picture = load_image(self._collection.picture(identity), short_side=size, name=identity)
            except ArtsimError as error:
                log.warning("No thumbnail: %s", error)
                return None
            _write(path, thumbnail(picture, side=size))
        return path

    def is_made(self, identity: str, size: int) -> bool:
        """Whether `path` would answer at once. `QueryError` when there is no such work."""
        return self._file(identity, size).is_file()

    def _file(self, identity: str, size: int) -> Path:
        return self.folder / str(size) / f"{self.key(self._collection.work(identity))}.webp"

    def make_ahead(self, first: Sequence[str] = ()) -> None:
        """Start making the small ones in the background, those of `first` at once and the others unhurriedly."""
        threading.Thread(target=self._make_all, args=(list(first),), name="thumbnails", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _make_all(self, first: list[str]) -> None:
        if self._collection.manifest.images != "bytes":
            return
        for number, identity in enumerate([*first, *self._collection.ids[:_AHEAD]]):
            if self._stop.is_set():
                return
            while number >= len(first) and time.monotonic() - self._asked < _QUIET and not self._stop.is_set():
                self._stop.wait(_QUIET)  # someone is looking at pictures now
            started = time.monotonic()
            try:
                self._made(identity, SMALL)
            except ArtsimError:  # removed from the collection meanwhile
                continue
            except OSError as error:
                log.warning("Thumbnails are not kept: %s cannot be written (%s).", self.folder, error.strerror)
                return
            if number >= len(first):  # leave most of the processor to the people who search
                self._stop.wait(3 * (time.monotonic() - started))


def placeholder(size: int) -> bytes:
    """A drawn empty frame, for works whose picture is missing or damaged."""
    image = Image.new("RGB", (size, size * 3 // 4), (228, 224, 216))
    draw = ImageDraw.Draw(image)
    width, height = image.size
    for inset, shade in ((0.16, 196), (0.20, 206)):
        box = (width * inset, height * inset, width * (1 - inset), height * (1 - inset))
        draw.rectangle(box, outline=(shade, shade - 4, shade - 12), width=max(1, size // 160))
    draw.line(
        (width * 0.20, height * 0.80, width * 0.80, height * 0.20), fill=(206, 202, 194), width=max(1, size // 160)
    )
    return thumbnail(image, side=size)


def _write(path: Path, data: bytes) -> None:
    """Another thread may write the same file: each has its own temporary one, and the last rename wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
