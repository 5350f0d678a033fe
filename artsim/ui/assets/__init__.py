"""Scripts and styles. Those linked from a page are served as `art/NAME?v=HASH` (the path `assets/` is Gradio's)."""

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
    """The source of a script in this folder, for components that take it as text."""
    return (resources.files(__name__) / name).read_text(encoding="utf-8")


@cache
def assets() -> dict[str, Asset]:
    """Every script and style by file name, including vendored ones. `style.css` starts with the palettes."""
    by_name = {}
    folder = resources.files(__name__)
    for file in (*folder.iterdir(), *(folder / "vendor").iterdir()):
        if (kind := file.name.rpartition(".")[2]) in _TYPES:
            palettes = palette_css() if file.name == "style.css" else ""
            by_name[file.name] = Asset(palettes.encode() + file.read_bytes(), _TYPES[kind])
    return by_name


def asset_address(name: str) -> str:
    """Address of an asset, relative to any page; it changes with the content."""
    return f"art/{name}?v={hashlib.sha256(assets()[name].data).hexdigest()[:12]}"
