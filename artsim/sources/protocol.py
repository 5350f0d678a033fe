"""What a source is: works with the same column names wherever they come from.

The standard columns are `id, image, title, artist, year, date, medium, culture, department, tags, url, license`; a source
leaves out what it does not know and adds what it knows besides (style, genre, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artsim.errors import ImageError, SourceError
from artsim.images.decode import read_file

Work = dict[str, Any]
"""One work: `id` (str), `image` (not decoded: what `read_picture` reads, or None) and the metadata columns."""


@dataclass(frozen=True)
class Source:
    """Works to be embedded, in a fixed order.

    `works(start)` yields them from row `start` on. `features` are the `datasets` features of the metadata columns, so
    that empty columns keep their type. `fingerprint` changes when the works do: what an interrupted build goes by.
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


def read_picture(work: Work) -> bytes:
    """The file of a work's picture. `ImageError` when it has none, or it cannot be had.

    `image` holds `bytes`; or `path`, a file of this machine that the source itself found; or `read`, which is called now,
    for what has to be fetched. What strangers wrote into their data never becomes `path`: it could name any file here.
    """
    picture = work["image"] or {}
    if picture.get("bytes"):
        return picture["bytes"]
    if picture.get("read"):
        return picture["read"]()
    if picture.get("path"):
        return read_file(picture["path"], name=work["id"])
    raise ImageError(f"{work['id']} has no picture.")


def open_source(name: str) -> Source:
    """The source called `name`. `SourceError` when there is no such source or nothing in it.

    `met`, `folder:PATH` (or a plain path of a folder), `hub:REPO[:SPLIT]`, `nga:PATH`.
    """
    kind, _, rest = name.partition(":")
    if kind == "met" and not rest:
        from artsim.sources.met import open_met

        return open_met()
    if kind in ("folder", "nga", "hub") and not rest:
        raise SourceError(f"The source {name} lacks what follows the colon, for example {kind}:{_EXAMPLES[kind]}.")
    if kind == "folder":
        from artsim.sources.folder import open_folder

        return open_folder(rest)
    if kind == "nga":
        from artsim.sources.nga.source import open_nga

        return open_nga(rest)
    if kind == "hub":
        from artsim.sources.hub import open_hub

        return open_hub(rest)
    if name and Path(name).expanduser().is_dir():
        from artsim.sources.folder import open_folder

        return open_folder(name)
    raise SourceError(f"There is no source {name!r}; give met, folder:PATH, hub:NAMESPACE/NAME or nga:PATH.")


_EXAMPLES = {"folder": "my/pictures", "nga": "nga/prepared", "hub": "huggan/wikiart"}
