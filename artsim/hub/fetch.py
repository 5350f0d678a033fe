"""Open a collection from the Hub: one commit, each file fetched once, verified once, then read from the cache.

Files lie in the cache of `huggingface_hub`, which resumes broken downloads and works offline, but checks only sizes. So
the sha256 of every new file is compared with the manifest, and stored in `ARTSIM_CACHE` with the size and time of the
file, so that the app need not read gigabytes at every start.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from artsim.collection import Collection
from artsim.errors import CollectionError, HubError
from artsim.files.atomic import write_atomically
from artsim.files.cache import cache_folder
from artsim.hub.access import check_repo_id
from artsim.hub.cached import confirmed, needed, remember, size_problem, snapshot_of, whole_commit
from artsim.snapshot.files import check_preprocessing, read_state
from artsim.snapshot.groups import vectors_copy
from artsim.storage.manifest import (
    FILE_NAME,
    FileRecord,
    Manifest,
    Origin,
    parse_manifest,
    read_manifest,
    sha256,
)
from artsim.web.hub_client import converting_errors, with_retries, within
from artsim.web.hub_token import given_token, hub_api

_WORKERS = 4
_TIMEOUT_S = 5.0  # to connect, and between two chunks of a response
_DEADLINE_S = 10.0  # for the Hub to name the newest commit, where the cache holds one to open instead
_LONGEST_S = 60.0  # where it does not
_FOOTER = 1_000_000  # bytes of a parquet file that are fetched at a time, from its end
VOLUME = "ARTSIM_VOLUME"
"""`FOLDER@COMMIT`: the volume in which a Space has the collection ARTSIM_COLLECTION (see `artsim.hub.hosting`)."""

log = logging.getLogger(__name__)


def open_from_hub(repo_id: str, *, revision: str | None = None, verify: bool = False) -> Collection:
    """Open the collection in the dataset repository `repo_id`, at `revision` (a branch, tag or commit; default: newest).

    Only files that the cache lacks are fetched; without the Hub, the commit that was fetched last for `revision` is
    opened. A file that differs from the manifest is fetched again, once; an index that is still missing or damaged is
    built again from the vectors. `verify` hashes every file again. Raises `HubError` or `CollectionError`.
    """
    check_repo_id(repo_id)
    if revision is None and (mounted := _open_mounted(repo_id)) is not None:
        return mounted
    cached = whole_commit(repo_id, revision)
    try:
        origin, folder, manifest = _newest(repo_id, revision, cached)
        return _fetched(origin, folder, manifest, verify=verify)
    except (HubError, CollectionError) as error:
        if cached is None:
            raise
        log.warning("%s It is opened as it was fetched on %s.", error, cached.fetched)
        folder = snapshot_of(cached)
        return _fetched(cached, folder, read_manifest(folder), verify=verify, ask=False)


def _newest(repo_id: str, revision: str | None, cached: Origin | None) -> tuple[Origin, Path, Manifest]:
    """The commit that the Hub names, the folder for its files, and its manifest.

    With a `cached` one to open instead, the Hub has a few seconds for it in all.
    """

    def ask() -> tuple[Origin, Path, Manifest]:
        origin = _resolve(repo_id, revision)
        return origin, *_fetch_manifest(origin)

    if cached is None:
        return within(_LONGEST_S, ask, _opening(repo_id))
    if cached.commit == revision:
        folder = snapshot_of(cached)
        return confirmed(cached), folder, read_manifest(folder)
    return within(_DEADLINE_S, ask, _opening(repo_id))


def _fetched(origin: Origin, folder: Path, manifest: Manifest, *, verify: bool, ask: bool = True) -> Collection:
    """The collection in `folder`, once all its files are there and verified; `ask` the Hub for those that are not."""
    check_preprocessing(manifest, f"{FILE_NAME} of {origin}")
    ask = ask and not _is_offline()
    if ask:
        _fetch_missing(origin, folder, manifest)
    problems = _problems(folder, manifest, verify=verify)
    if problems and ask:
        problems = _fetch_again(origin, folder, manifest, problems)
    for name, problem in problems.items():
        if name not in manifest.rebuildable:
            raise CollectionError(f"{name} of {origin} {problem}. {_advice(origin)}")
    if verify:
        for part in manifest.groups.vectors:  # they are copied again
            vectors_copy(manifest.files[part.file]).unlink(missing_ok=True)
    log.info("Opening %s.", origin)
    return _opened(origin, folder, manifest, problems)


def published_manifest_of(repo_id: str) -> tuple[Origin, Manifest]:
    """The newest commit of a published collection and its manifest, without its other files."""
    check_repo_id(repo_id)
    origin = within(_LONGEST_S, lambda: _resolve(repo_id, None), _opening(repo_id))
    return origin, _fetch_manifest(origin)[1]


def published_schema_of(origin: Origin, manifest: Manifest) -> pa.Schema:
    """The columns of a published collection, from the end of one data file: little is fetched, however large it is."""
    import pyarrow.parquet as pq
    from huggingface_hub import HfFileSystem

    def read() -> pa.Schema:
        name = f"datasets/{origin.repo_id}@{origin.commit}/{manifest.groups.metadata[0].file}"
        with HfFileSystem(token=given_token()).open(name, block_size=_FOOTER) as file:
            return pq.read_schema(file)

    try:
        return with_retries(read, f"reading the columns of {origin}")
    except (pa.ArrowException, IndexError) as error:
        raise CollectionError(f"The data of {origin} cannot be read as parquet ({error}). {_advice(origin)}") from error


def _open_mounted(repo_id: str) -> Collection | None:
    """The collection in the volume of this Space, mounted by the Hub; None if there is none."""
    mount, _, commit = os.environ.get(VOLUME, "").rpartition("@")
    folder = Path(mount or ".")
    if not mount or os.environ.get("ARTSIM_COLLECTION") != repo_id or not (folder / FILE_NAME).is_file():
        return None
    origin, manifest = Origin(repo_id, commit), read_manifest(folder)
    problems = {
        name: problem for name, record in needed(manifest).items() if (problem := size_problem(folder / name, record))
    }
    problems.pop("README.md", None)
    if set(problems) - manifest.rebuildable:
        log.warning("The volume %s is incomplete (%s); %s is fetched instead.", mount, ", ".join(problems), repo_id)
        return None
    log.info("Opening %s from the volume %s.", origin, mount)
    return _opened(origin, folder, manifest, problems)


def _opened(origin: Origin, folder: Path, manifest: Manifest, damaged: Mapping[str, str]) -> Collection:
    state = read_state(folder, manifest, damaged_indexes=damaged)
    return Collection(state=state, manifest=manifest, folder=folder, origin=origin)


def _opening(repo_id: str) -> str:
    return f"opening {repo_id}, which is no folder here,"


def _resolve(repo_id: str, revision: str | None) -> Origin:
    """The commit of `revision`, as the Hub names it; without it, as it was named last."""

    def ask() -> str:
        if _is_offline():
            return hub_api().resolve_revision(repo_id, repo_type="dataset", revision=revision).resolved
        info: Any = hub_api().repo_info(repo_id, repo_type="dataset", revision=revision, timeout=_TIMEOUT_S)
        return info.sha

    origin = Origin(repo_id, with_retries(ask, _opening(repo_id)))
    remember(origin, revision)
    return origin


def _fetch_manifest(origin: Origin) -> tuple[Path, Manifest]:
    """The folder of the commit in the cache, and its manifest, before anything large is fetched."""
    from huggingface_hub.errors import RemoteEntryNotFoundError

    def get() -> Path:
        try:
            return _download(origin, FILE_NAME)
        except RemoteEntryNotFoundError as error:
            raise CollectionError(
                f"{origin} is a dataset, but not a collection (it has no {FILE_NAME}). Make one from it with: "
                f"python -m artsim build --source hub:{origin.repo_id} --out FOLDER"
            ) from error

    path = with_retries(get, f"fetching {FILE_NAME} of {origin}")
    return path.parent, parse_manifest(path.read_text(encoding="utf-8"), f"{FILE_NAME} of {origin}")


def _fetch_missing(origin: Origin, folder: Path, manifest: Manifest) -> None:
    """Fetch what the cache lacks, several files at a time, with progress bars. Files missing on the Hub are found later."""
    missing = [name for name in needed(manifest) if not (folder / name).is_file()]
    if not missing:
        return
    from huggingface_hub import snapshot_download

    size = sum(manifest.files[name].size for name in missing)
    log.info("Fetching %d files of %s, %.1f MB.", len(missing), origin, size / 1e6)
    with_retries(
        lambda: snapshot_download(
            origin.repo_id,
            repo_type="dataset",
            revision=origin.commit,
            allow_patterns=[FILE_NAME, *missing],
            max_workers=_WORKERS,
        ),
        f"fetching {origin}",
    )


def _fetch_again(origin: Origin, folder: Path, manifest: Manifest, problems: Mapping[str, str]) -> dict[str, str]:
    """Fetch missing and damaged files again; returns the remaining problems."""
    for name, problem in problems.items():
        log.warning("%s of %s %s; it is fetched again.", name, origin, problem)
        try:
            with converting_errors(f"fetching {name}"):
                _download(origin, name, again=True)
        except (HubError, ValueError) as error:  # ValueError: the client cannot fetch again
            log.warning("%s", error)
    return _problems(folder, manifest, verify=False)


def _download(origin: Origin, name: str, *, again: bool = False) -> Path:
    from huggingface_hub import hf_hub_download

    return Path(
        hf_hub_download(
            origin.repo_id,
            name,
            repo_type="dataset",
            revision=origin.commit,
            force_download=again,
            token=given_token(),
        )
    )


def _is_offline() -> bool:
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE


def _advice(origin: Origin) -> str:
    if _is_offline():
        return (
            f"It cannot be fetched, as HF_HUB_OFFLINE is set: unset that variable and open {origin.repo_id} once more."
        )
    return (
        "Fetching it again did not help: open it once more, and if this comes back, the copy on the Hub is damaged. Ask "
        "its owner to publish it again, or open an older one with revision=COMMIT."
    )


def _problems(folder: Path, manifest: Manifest, *, verify: bool) -> dict[str, str]:
    """Files that differ from the manifest -> what is wrong. Files that were verified before are not read again."""
    verified = _read_verified()
    before = dict(verified)
    problems = {}
    for name, record in needed(manifest).items():
        if name == "README.md":  # people can edit the card
            continue
        path = folder / name
        if problem := size_problem(path, record):
            problems[name] = problem
        elif verify or verified.get(str(path.resolve())) != _stamp(path, record):
            if sha256(path) == record.sha256:
                verified[str(path.resolve())] = _stamp(path, record)
            else:
                problems[name] = "has other contents than when it was published (its sha256 differs)"
    if verified != before:
        _write_verified(verified)
    return problems


def _stamp(path: Path, record: FileRecord) -> list[str | int]:
    """Size, time and hash of a verified file. With the same size and time, the hash is taken to be the same."""
    return [path.stat().st_size, path.stat().st_mtime_ns, record.sha256]


def _verified_path() -> Path:
    return cache_folder() / "verified.json"


def _read_verified() -> dict[str, list[str | int]]:
    """Stamp by path; empty if the file is missing or unreadable: then everything is verified again."""
    try:
        verified = json.loads(_verified_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return verified if isinstance(verified, dict) else {}


def _write_verified(verified: Mapping[str, list[str | int]]) -> None:
    kept = {path: stamp for path, stamp in verified.items() if Path(path).is_file()}
    try:
        write_atomically(_verified_path(), json.dumps(kept, indent=0))
    except CollectionError as error:
        log.info("%s The files are verified again next time.", error)
