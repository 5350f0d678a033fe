"""`open_collection`: open a local folder or a dataset on the Hub."""

from __future__ import annotations

from pathlib import Path

from artsim.collection import Collection
from artsim.errors import CollectionError
from artsim.hub import open_from_hub


def open_collection(name: str | Path, *, revision: str | None = None, verify: bool = False) -> Collection:
    """Open a collection by its folder, or by its Hub id (`NAMESPACE/NAME`) at `revision`: a branch, tag or commit.

    From the Hub, the commit is resolved once and pinned (`collection.origin`); each file is fetched and verified once,
    then read from the cache, also with HF_HUB_OFFLINE=1. `verify` hashes every file again; without it, large files are
    checked by size. Raises `CollectionError` or `HubError` if something is missing or damaged.
    """
    folder = folder_of(name)
    if folder is not None:
        if revision is not None:
            raise CollectionError(f"{folder} is a local folder, which has no revisions; leave revision out.")
        return Collection.from_folder(folder, thorough=verify)

    return open_from_hub(str(name), revision=revision, verify=verify)


def folder_of(name: str | Path) -> Path | None:
    """The folder that `name` means, whether it is there or not; None when it means a dataset on the Hub."""
    folder = Path(name).expanduser()
    return folder if folder.exists() or not _is_hub_id(str(name)) else None


def _is_hub_id(name: str) -> bool:
    """Whether `name` has the form `namespace/name` and is not clearly a path."""
    parts = name.split("/")
    return len(parts) == 2 and all(part and not part.startswith((".", "~")) for part in parts)
