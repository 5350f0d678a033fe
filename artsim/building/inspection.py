"""What artsim sees in a source before anything is built: pictures, columns, rights, and what would be left out."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from artsim.building.inspected_columns import InspectedColumn, inspect_columns, rights_of
from artsim.errors import ImageError
from artsim.images.decode import OWNER_SECONDS, load_image, picture_size
from artsim.images.formats import FORMATS
from artsim.images.other_files import HEAD, FileKind, kind_of_file
from artsim.messages.progress import Progress
from artsim.sources import LeftOut, Source, Work, read_picture
from artsim.sources.folder_files import beginning_of

REMOTE_WORKS = 1_000
"""How many works of a remote source are inspected, unless a limit says otherwise."""
_BATCH = 64
_DECODERS = 2
_SIDE = 64  # pixels: the smallest size at which damage shows

Size = tuple[int, int]


@dataclass
class PictureKind:
    """The readable pictures of one format."""

    count: int = 0
    bytes: int = 0
    smallest: Size | None = None
    """Width and height of the one with the fewest pixels; None if pictures were not opened."""
    largest: Size | None = None

    def add(self, length: int, size: Size | None) -> None:
        self.count += 1
        self.bytes += length
        if size is not None:
            self.smallest = min(self.smallest or size, size, key=_pixels)
            self.largest = max(self.largest or size, size, key=_pixels)


@dataclass(frozen=True)
class SourceReport:
    """What `inspect_source` finds."""

    source: Source
    opened: bool
    """Whether pictures were read and decoded, so that `left_out` is all that a build would leave out."""
    inspected: int
    """Works that were looked at."""
    total: int | None
    """Works that a build reads; None if nobody knows."""
    kinds: dict[str, PictureKind] = field(default_factory=dict)
    """By format, most frequent first."""
    left_out: list[LeftOut] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    """Id of a work that is left out -> why."""
    columns: list[InspectedColumn] = field(default_factory=list)
    rights: dict[str, dict[str, int]] = field(default_factory=dict)
    """Column of rights -> its values, with their numbers of works."""
    duplicates: list[list[str]] = field(default_factory=list)
    """Ids of works whose picture files are the same, by sha256."""

    @property
    def is_complete(self) -> bool:
        """Whether a build leaves nothing out, as far as was looked."""
        return all(item.expected for item in self.left_out)


@dataclass(frozen=True)
class _Picture:
    """The picture file of a work, as far as it was read."""

    kind: FileKind | None
    """None if nothing of it was read."""
    length: int
    size: Size | None = None
    sha256: str | None = None
    path: str | None = None
    error: str | None = None


def inspect_source(
    source: Source, *, open_pictures: bool, limit: int | None = None, progress: Progress | None = None
) -> SourceReport:
    """Inspect the first `limit` works of a source. Raises `SourceError`, as reading works does.

    With `open_pictures`, every picture is read and decoded, which takes a tenth of the time of a build. Without, only what
    costs no time is looked at: of a remote source, no work.
    """
    known = [count for count in (limit, source.size) if count is not None]
    total = min(known, default=None)
    if source.remote:
        limit = (limit or REMOTE_WORKS) if open_pictures else 0
    works: list[Work] = []
    pictures: list[_Picture] = []
    with ThreadPoolExecutor(_DECODERS) as pool:
        look = _opened if open_pictures else _glanced_at
        for batch in _batches(itertools.islice(source.works(0), limit) if limit != 0 else iter(())):
            pictures += pool.map(look, batch)
            works += [{name: value for name, value in work.items() if name != "image"} for work in batch]
            if progress is not None:
                progress(len(works), total if not source.remote else limit)
    ids = [str(work["id"]) for work in works]
    return SourceReport(
        source,
        open_pictures,
        len(works),
        total,
        _kinds(pictures),
        _left_out(source, ids, pictures),
        {identity: picture.error for identity, picture in zip(ids, pictures, strict=True) if picture.error},
        inspect_columns(source.features, works),
        rights_of(works),
        _duplicates(ids, pictures),
    )


def _batches(works: Iterator[Work]) -> Iterator[list[Work]]:
    while batch := list(itertools.islice(works, _BATCH)):
        yield batch


def _opened(work: Work) -> _Picture:
    """The picture read and decoded, as a build does."""
    name = str(work["id"])
    try:
        data = read_picture(work)
    except ImageError as error:
        return _Picture(None, 0, error=str(error))
    kind, sha256 = kind_of_file(data[:HEAD]), hashlib.sha256(data).hexdigest()
    try:
        size = picture_size(data, name=name)
        load_image(data, short_side=_SIDE, name=name, seconds=OWNER_SECONDS)
    except ImageError as error:
        return _Picture(kind, len(data), sha256=sha256, error=str(error))
    return _Picture(kind, len(data), size, sha256)


def _glanced_at(work: Work) -> _Picture:
    """The picture by its first bytes. One that is not on this machine is not looked at."""
    name, picture = str(work["id"]), work["image"] or {}
    if data := picture.get("bytes"):
        return _Picture(kind_of_file(data[:HEAD]), len(data), sha256=hashlib.sha256(data).hexdigest())
    if not picture.get("path"):
        return _Picture(None, 0, error=None if picture.get("read") else f"{name} has no picture.")
    path, known = str(picture["path"]), picture.get("format")
    if known is not None:
        return _Picture(known.kind, known.length, path=path)
    try:
        beginning = beginning_of(path)
    except OSError as error:
        return _Picture(None, 0, error=f"{name} cannot be read ({error.strerror}).")
    if beginning is None:
        return _Picture(None, 0, error=f"{name} is not a file.")
    kind = kind_of_file(beginning[0], path)
    wrong = None if kind.name in FORMATS else f"{name} is not an image that artsim reads ({kind.name})."
    return _Picture(kind, beginning[1], path=path, error=wrong)


def _kinds(pictures: Iterable[_Picture]) -> dict[str, PictureKind]:
    kinds: dict[str, PictureKind] = {}
    for picture in pictures:
        if picture.error is None and picture.kind is not None:
            kinds.setdefault(picture.kind.name, PictureKind()).add(picture.length, picture.size)
    return dict(sorted(kinds.items(), key=lambda item: -item[1].count))


def _left_out(source: Source, ids: list[str], pictures: list[_Picture]) -> list[LeftOut]:
    """What the source leaves out, and works whose pictures cannot be used, by kind."""
    unusable: dict[tuple[str, str], list[str]] = {}
    for identity, picture in zip(ids, pictures, strict=True):
        if picture.error is not None:
            if (kind := picture.kind) is None:
                name, advice = "picture that cannot be read", ""
            elif kind.name in FORMATS:
                name, advice = f"{kind.name} that cannot be used", ""
            else:
                name, advice = kind.name, kind.advice
            unusable.setdefault((name, advice), []).append(identity)
    works = [LeftOut(name, tuple(names), advice) for (name, advice), names in unusable.items()]
    return sorted([*works, *source.left_out], key=lambda item: (item.expected, -len(item.names)))


def _duplicates(ids: list[str], pictures: list[_Picture]) -> list[list[str]]:
    """Works with the same picture file. Only files of the same length are read for it."""
    lengths = Counter(picture.length for picture in pictures if picture.path)
    groups: dict[str, list[str]] = {}
    for identity, picture in zip(ids, pictures, strict=True):
        sha256 = picture.sha256
        if picture.path and lengths[picture.length] > 1 and picture.error is None:
            with Path(picture.path).open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 is not None:
            groups.setdefault(sha256, []).append(identity)
    return [group for group in groups.values() if len(group) > 1]


def _pixels(size: Size) -> int:
    return size[0] * size[1]
