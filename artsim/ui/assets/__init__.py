"""Our own scripts and styles. Those that a page links to are served as `art/NAME?v=HASH` (`assets/` is Gradio's)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from artsim.ui.theme import palette_css

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    data: bytes
    media_type: str


def read_script(name: str) -> str:
    """The text of a script of this folder, for components that take it as text."""
    return (resources.files(__name__) / name).read_text(encoding="utf-8")


@cache
def assets() -> dict[str, Asset]:
    """Every script and style by its file name, those by others included. `style.css` has the palettes in front."""
    found = {}
    folder = resources.files(__name__)
    for file in (*folder.iterdir(), *(folder / "vendor").iterdir()):
        if (kind := file.name.rpartition(".")[2]) in _TYPES:
            palettes = palette_css() if file.name == "style.css" else ""
            found[file.name] = Asset(palettes.encode() + file.read_bytes(), _TYPES[kind])
    return found


def asset_address(name: str) -> str:
    """Where a browser finds an asset, relative to any page: the address changes with the content."""
    return f"art/{name}?v={hashlib.sha256(assets()[name].data).hexdigest()[:12]}"
