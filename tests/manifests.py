"""The manifest of a collection on disk: read it, change it, and record a changed file in it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "artsim.json").read_text(encoding="utf-8"))


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    manifest = manifest_of(folder)
    change(manifest)
    (folder / "artsim.json").write_text(json.dumps(manifest), encoding="utf-8")


def record_of(path: Path) -> dict[str, Any]:
    return {"size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def record_file(folder: Path, name: str) -> None:
    """Have the manifest say that the present contents of a file are the right ones."""
    rewrite(folder, lambda manifest: manifest["files"].update({name: record_of(folder / name)}))
