"""Thumbnail cache: WebP files in three sizes, made on demand or ahead of time in the background."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from artsim.collection import Collection
from artsim.errors import ArtsimError, CollectionError
from artsim.files.atomic import write_atomically
from artsim.images.decode import load_image
from artsim.images.thumbnails import SMALL, thumbnail

_IDLE = 3.0  # seconds since the last request, before thumbnails are made ahead again
_AHEAD_LIMIT = 5000  # works whose small thumbnail is made ahead

log = logging.getLogger(__name__)


class Thumbnails:
    """The thumbnails of one collection, in a folder of their own under `cache`. Thread-safe."""

    def __init__(self, collection: Collection, cache: Path) -> None:
        self._collection = collection
        source = sorted((str(key), str(value)) for key, value in collection.manifest.source.items())
        digest = hashlib.sha256(repr((collection.manifest.title, source)).encode()).hexdigest()[:16]
        self.folder = cache / "thumbnails" / digest
        self._stop = threading.Event()
        self._requested = 0.0

    @staticmethod
    def key(work: Mapping[str, Any]) -> str:
        """Cache key of a work's picture: differs between works, and changes with the picture."""
        return hashlib.sha256(f"{work['id']}\0{work.get('sha256') or ''}".encode()).hexdigest()[:24]

    def path(self, identity: str, size: int) -> Path | None:
        """The WebP file of a work's picture, made now if missing; None if the picture cannot be used.

        `size` is one of `SIZES`. Raises `QueryError` if there is no such work.
        """
        self._requested = time.monotonic()
        return self._cached(identity, size)

    def _cached(self, identity: str, size: int) -> Path | None:
        path = self._file(identity, size)
        if not path.is_file():
            try:
                picture = load_image(self._collection.picture(identity), short_side=size, name=identity)
            except ArtsimError as error:
                log.warning("No thumbnail: %s", error)
                return None
            write_atomically(path, thumbnail(picture, side=size))
        return path

    def is_made(self, identity: str, size: int) -> bool:
        """Whether the file exists already. Raises `QueryError` if there is no such work."""
        return self._file(identity, size).is_file()

    def _file(self, identity: str, size: int) -> Path:
        return self.folder / str(size) / f"{self.key(self._collection.work(identity))}.webp"

    def make_ahead(self, first: Sequence[str] = ()) -> None:
        """Make the small thumbnails in a background thread: those of `first` at once, the others at low priority."""
        threading.Thread(target=self._make_all, args=(list(first),), name="thumbnails", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _make_all(self, first: list[str]) -> None:
        if not self._collection.manifest.embeds_pictures:
            return
        for number, identity in enumerate([*first, *self._collection.ids[:_AHEAD_LIMIT]]):
            if self._stop.is_set():
                return
            while number >= len(first) and time.monotonic() - self._requested < _IDLE and not self._stop.is_set():
                self._stop.wait(_IDLE)  # a visitor is looking at pictures
            started = time.monotonic()
            try:
                self._cached(identity, SMALL)
            except CollectionError as error:
                log.warning("Thumbnails are not cached: %s", error)
                return
            except ArtsimError:  # the work was removed meanwhile
                continue
            if number >= len(first):  # leave most of the processor to searches
                self._stop.wait(3 * (time.monotonic() - started))
