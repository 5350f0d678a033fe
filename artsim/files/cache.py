"""The cache folder, for files that artsim can recreate: built collections, thumbnails, uploads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that ARTSIM_CACHE names, or artsim's in the cache folder of this platform. Absolute; it may not exist."""
    if chosen := environ.get("ARTSIM_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("artsim", appauthor=False).absolute()
