"""The cache folder, for files that artsim can recreate: built collections, thumbnails, uploads."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def default_cache(environ: Mapping[str, str] = os.environ) -> Path:
    """artsim's folder in the cache folder of this platform."""
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "artsim" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "artsim"
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "artsim"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that ARTSIM_CACHE names, or the default one. Absolute; it may not exist yet."""
    return Path(environ.get("ARTSIM_CACHE") or default_cache(environ)).expanduser().absolute()
