"""Commits of a collection that the cache holds whole: one is opened while the Hub is silent, slow, wrong or absent."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from artsim.errors import CollectionError
from artsim.files.atomic import write_atomically
from artsim.storage.manifest import FILE_NAME, SUBJECT_INDEX, FileRecord, Manifest, Origin, read_manifest

_MAIN = "main"

log = logging.getLogger(__name__)


def whole_commit(repo_id: str, revision: str | None) -> Origin | None:
    """The commit that the Hub last named for `revision` (a branch, a tag, a commit), if the cache holds all its files.

    Else, for the newest one, the commit that was fetched last of those that are whole. None if there is none.
    """
    folder = _repository(repo_id)
    snapshots = folder / "snapshots"
    names = [_named(folder, revision or _MAIN), revision or ""]
    if revision is None and snapshots.is_dir():
        names += sorted((path.name for path in snapshots.iterdir()), key=lambda name: -_fetched(snapshots / name))
    for name in names:
        if name and _is_whole(snapshots / name):
            fetched = datetime.fromtimestamp(_fetched(snapshots / name), UTC).date()
            return Origin(repo_id, name, fetched)
    return None


def snapshot_of(origin: Origin) -> Path:
    """The folder in the cache for the files of a commit."""
    return _repository(origin.repo_id) / "snapshots" / origin.commit


def remember(origin: Origin, revision: str | None) -> None:
    """Note the commit that the Hub names for `revision`, where its client notes it, too."""
    path = _repository(origin.repo_id) / "refs" / (revision or _MAIN)
    try:
        if _named(_repository(origin.repo_id), revision or _MAIN) != origin.commit:
            write_atomically(path, origin.commit)
    except (CollectionError, OSError) as error:  # as in a cache that can only be read
        log.info("%s Without the Hub, %s may not be found.", error, origin)


def confirmed(origin: Origin) -> Origin:
    """The same commit, named by the Hub just now."""
    return replace(origin, fetched=None)


def needed(manifest: Manifest) -> dict[str, FileRecord]:
    """The files that a collection is opened from: all but the index for users of plain `datasets`."""
    return {name: record for name, record in manifest.files.items() if name != SUBJECT_INDEX}


def size_problem(path: Path, record: FileRecord) -> str | None:
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    return None if size == record.size else f"has {size:,} bytes instead of {record.size:,}"


def _is_whole(snapshot: Path) -> bool:
    """Whether all files are there in their sizes that cannot be made again."""
    if not (snapshot / FILE_NAME).is_file():
        return False
    try:
        manifest = read_manifest(snapshot)
    except CollectionError as error:
        log.debug("%s is not opened: %s", snapshot, error)
        return False
    kept = manifest.rebuildable | {"README.md"}
    return not any(size_problem(snapshot / name, one) for name, one in needed(manifest).items() if name not in kept)


def _repository(repo_id: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser() / f"datasets--{repo_id.replace('/', '--')}"


def _named(folder: Path, revision: str) -> str:
    """The commit that the Hub last named for a branch or a tag; empty if it never did."""
    try:
        return (folder / "refs" / revision).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _fetched(snapshot: Path) -> float:
    """When the manifest of a commit was fetched; 0 if it was not."""
    try:
        return (snapshot / FILE_NAME).lstat().st_mtime
    except OSError:
        return 0.0
