"""The source protocol: works with the same column names whatever their origin: those of `artsim.columns`, and any others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from artsim.errors import ImageError
from artsim.images.decode import read_file

Work = dict[str, Any]
"""One work: `id` (str), `image` (not decoded: what `read_picture` reads, or None) and the metadata columns."""


@dataclass(frozen=True)
class LeftOut:
    """What a source has and does not give as works, of one kind."""

    kind: str
    """In the singular, such as "Photoshop"."""
    names: tuple[str, ...]
    advice: str = ""
    """A sentence: what would make artsim read it."""
    expected: bool = False
    """Whether nobody misses it: files of the operating system."""


@dataclass(frozen=True)
class Source:
    """Works to be embedded, in a fixed order.

    `works(start)` yields them from row `start` on. `features` are the `datasets` features of the metadata columns, so
    that empty columns keep their type. `fingerprint` changes when the works do; an interrupted build relies on it.
    """

    name: str
    title: str
    works: Callable[[int], Iterator[Work]]
    features: Any
    fingerprint: str
    size: int | None = None
    license: str = "unknown"
    homepage: str = ""
    description: str = ""
    has_urls: bool = field(default=False)
    """Whether each work has an `image_url` from which its picture can be fetched again."""
    notes: tuple[str, ...] = ()
    """What was found, and how it is used, as sentences for the owner."""
    left_out: Sequence[LeftOut] = ()
    """What is known of it before works are read."""
    remote: bool = False
    """Whether works or their pictures come over a network, so that reading them all takes long."""
    seekable: bool = False
    """Whether `works(start)` costs little for any start, so that several processes can read a part each."""
    reopen: Callable[[], Source] | None = None
    """Opens a seekable source in another process: it can be pickled. None: one process reads it."""


def read_picture(work: Work) -> bytes:
    """The file of a work's picture. `ImageError` when it has none, or it cannot be had.

    `image` holds `bytes`; or `path`, a file of this machine that the source itself found; or `read`, which is called now,
    for what has to be fetched. Beside a path, `format` may be what the source has found at the beginning of the file (a
    `PictureFormat`), so that nobody looks again before all of it is read. What strangers wrote into their data never
    becomes `path`: it could name any file here.
    """
    picture = work["image"] or {}
    if picture.get("bytes"):
        return picture["bytes"]
    if picture.get("read"):
        return picture["read"]()
    if picture.get("path"):
        return read_file(picture["path"], name=work["id"])
    raise ImageError(f"{work['id']} has no picture.")
