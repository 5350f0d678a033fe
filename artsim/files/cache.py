"""The cache folder, for files that artsim can recreate: built collections, thumbnails, uploads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from artsim.files import disk
from artsim.files.atomic import make_folders, writing

_MADE_NS = 1_000_000_000 * 10**9  # the time of a file that was made here: who writes to it later changes it


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that ARTSIM_CACHE names, or artsim's in the cache folder of this platform. Absolute; it may not exist."""
    if chosen := environ.get("ARTSIM_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("artsim", appauthor=False).absolute()


def is_whole(path: Path) -> bool:
    """Whether `path` was made by `making`, and nobody has written to it since."""
    return path.is_file() and path.stat().st_mtime_ns == _MADE_NS


@contextmanager
def making(path: Path) -> Iterator[Path]:
    """Where to write a file of the cache; it replaces `path` when the block ends, and is removed if the block raises."""
    new = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    with writing(path):
        make_folders(path.parent)
        try:
            yield new
            os.utime(new, ns=(_MADE_NS, _MADE_NS))
            disk.rename(new, path)
        finally:
            disk.remove(new)
