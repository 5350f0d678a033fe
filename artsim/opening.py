"""`open_collection`: a folder on this machine, or a dataset on the Hub."""

from __future__ import annotations

from pathlib import Path

from artsim.collection import Collection
from artsim.errors import CollectionError
from artsim.saving import open_folder


def open_collection(name: str | Path, *, revision: str | None = None, verify: bool = False) -> Collection:
    """Open a collection by its folder or its Hub id. `CollectionError` says what is missing or damaged.

    `verify` hashes every file; without it, files over 256 MB are checked by their size.
    """
    folder = Path(name).expanduser()
    if folder.exists() or folder.with_name(f".{folder.name}.old").exists() or not _is_hub_id(str(name)):
        return open_folder(folder, thorough=verify)
    raise CollectionError(f"There is no folder {name}, and collections are not read from the Hub yet.")


def _is_hub_id(name: str) -> bool:
    """`namespace/name`, and nothing that can only be a path."""
    parts = name.split("/")
    return len(parts) == 2 and all(part and not part.startswith((".", "~")) for part in parts)
