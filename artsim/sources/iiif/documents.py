"""Finds the manifests of a IIIF collection, of a list of addresses, or a single one, and reads them one by one.

What the owner names may lie in a private network, or on this machine. What the documents name has to be on the internet,
or on a server that the owner names too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from artsim.errors import SourceError
from artsim.files.cache import cache_folder
from artsim.sources.iiif.presentation import Json, dicts, identity, kind, members, text
from artsim.sources.json_text import read_json
from artsim.web.fetch_cache import FetchCache
from artsim.web.http import FetchError, WebClient, is_address, origin, parse

MAX_BYTES = 50_000_000  # of one document
MAX_SECONDS = 120.0
MAX_DOCUMENTS = 100_000
PAUSE_S = 0.1
"""Seconds between the beginnings of two requests: ten a second at most, as museums ask of guests."""

TOLD_EVERY_S = 5.0
"""Seconds between two lines of the log about how far the reading is."""

log = logging.getLogger(__name__)


class Documents:
    """The documents that begin at `start`, an address or a path."""

    def __init__(self, start: str) -> None:
        self.title = ""
        """What the first document calls itself."""
        self.left_out: list[str] = []
        """Documents that cannot be used, and why."""
        self._own: set[str] = set()
        self.client = WebClient(
            workers=2, purpose="reads IIIF manifests", pause=PAUSE_S, public_only=True, own=self._own
        )
        self.cache = FetchCache(self.client, cache_folder() / "iiif")
        self._start = start

    def manifests(self) -> Iterator[Json]:
        """All manifests, each once. Raises `SourceError` when `start` cannot be read, or a server is down.

        Other documents that cannot be read are added to `left_out`.
        """
        waiting = [_Reference(self._start, by_owner=True)]
        seen: set[str] = set()
        told = time.monotonic()
        while waiting:
            reference = waiting.pop()
            if reference.address in seen:
                continue
            if len(seen) == MAX_DOCUMENTS:
                raise SourceError(f"{self._start} names more than {MAX_DOCUMENTS:,} documents; give a part of them.")
            seen.add(reference.address)
            document = self._read(reference)
            if reference.address == self._start:
                self.title = text(document.get("label")) or ""
            if kind(document) == "Manifest":
                yield document if identity(document) else {**document, "id": reference.address}
            waiting += reversed(list(self._references(document, reference)))
            if waiting and time.monotonic() - told >= TOLD_EVERY_S:
                told = time.monotonic()
                log.info("%d IIIF documents read, %d more found.", len(seen), len(waiting))

    def _read(self, reference: _Reference) -> Json:
        """The document; what is none, unless it is the first, is left out and empty."""
        try:
            return _parsed(self._content(reference))
        except SourceError as error:
            if reference.address == self._start or (isinstance(error, FetchError) and error.temporary):
                raise SourceError(f"{reference.address[:200]}: {error}.") from error
            self.left_out.append(f"{reference.address[:200]}: {error}")
            return {}

    def _content(self, reference: _Reference) -> bytes:
        if is_address(reference.address):
            if reference.by_owner:
                self._own.add(origin(parse(reference.address)))
            return self.cache.read(reference.address, max_bytes=MAX_BYTES, max_seconds=MAX_SECONDS)
        try:
            with Path(reference.address).expanduser().open("rb") as file:
                return file.read(MAX_BYTES)
        except (OSError, ValueError, RuntimeError) as error:  # also a zero byte in the name, and ~ of nobody
            raise SourceError(f"it cannot be read ({getattr(error, 'strerror', None) or error})") from error

    def _references(self, document: Json, reference: _Reference) -> Iterator[_Reference]:
        """The documents that one names. Only the lines of an owner's own list may be paths."""
        if "lines" in document:
            is_file = not is_address(reference.address)
            folder = Path() if not is_file else Path(reference.address).expanduser().parent
            for line in document["lines"]:
                if is_address(line):
                    yield _Reference(line, by_owner=is_file and reference.by_owner)
                elif is_file:
                    yield _Reference(str(folder / line), by_owner=True)
                else:
                    self.left_out.append(f"{line[:200]}: not a web address")
        elif kind(document) in ("Collection", "CollectionPage"):
            for member in members(document):
                if is_address(identity(member)):
                    yield _Reference(identity(member))
                else:
                    self.left_out.append(f"{identity(member)[:200] or 'a member without an id'}: not a web address")
        elif document and kind(document) != "Manifest":
            self.left_out.append(f"{reference.address[:200]}: neither a manifest nor a collection of IIIF")


@dataclass(frozen=True)
class _Reference:
    address: str
    """A web address, or a path if the owner gives it."""
    by_owner: bool = field(default=False, compare=False)


def _parsed(data: bytes) -> Json:
    """The document; a list of addresses, in JSON or line by line, as `{"lines": [...]}`. `SourceError` if it is neither."""
    try:
        words = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError("it is not UTF-8 text") from error
    if words.lstrip()[:1] not in ("{", "["):
        lines = [line.strip() for line in words.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        if not lines or any(line.startswith("<") for line in lines[:5]):
            raise SourceError("it is neither JSON nor a list of addresses")
        return {"lines": lines}
    try:
        document = read_json(words)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"it is not JSON ({str(error)[:100]})") from error
    if isinstance(document, dict):
        return {key: value for key, value in document.items() if key != "lines"}
    listed = [
        item if isinstance(item, str) else identity(item) for item in document if isinstance(item, str) or dicts(item)
    ]
    return {"lines": [item for item in listed if item]}
