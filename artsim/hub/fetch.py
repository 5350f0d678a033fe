"""Open a collection from the Hub: one commit, each file fetched once, verified once, and read from the cache after that.

Files lie in the cache of `huggingface_hub`, which resumes broken downloads and works offline, but checks only sizes. So
every file's sha256 is compared with the manifest when it is first seen, and remembered in `ARTSIM_CACHE` together with
size and time of the file, so that no start of the app has to read gigabytes again.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from artsim.collection import Collection, Origin
from artsim.errors import CollectionError
from artsim.files.cache import default_cache
from artsim.hub.access import check_repo_id
from artsim.snapshot.files import read_state
from artsim.storage.manifest import FILE_NAME, FileRecord, Manifest, parse_manifest, read_manifest, sha256
from artsim.storage.shards import write_atomically
from artsim.web.hub_client import hub_errors, patiently, sentence
from artsim.web.hub_token import given_token, hub_api

_WORKERS = 4
TRUST = "ARTSIM_TRUST_CACHE"
"""Set to 1 where somebody reliable filled the cache (a Space's build): what is there is checked by its size only."""

VOLUME = "ARTSIM_VOLUME"
"""`FOLDER@COMMIT`: where a Space has the collection named by ARTSIM_COLLECTION mounted (see `artsim.hub.hosting`)."""

log = logging.getLogger(__name__)


def open_from_hub(repo_id: str, *, revision: str | None = None, verify: bool = False) -> Collection:
    """The collection in the dataset repository `repo_id`, at `revision` (a branch, tag or commit; default: the newest).

    Only what the cache lacks is fetched; without the Hub, the commit that was fetched last for `revision` is opened. A
    file that is not as the manifest says is fetched again, once; an index that is still missing or damaged is built
    again from the vectors. `verify` hashes every file, whatever is remembered. Raises `HubError` or `CollectionError`.
    """
    check_repo_id(repo_id)
    if revision is None and (mounted := _open_mounted(repo_id)) is not None:
        return mounted
    origin = Origin(repo_id, _resolve(repo_id, revision))
    folder, manifest = _fetch_manifest(origin)
    _fetch_missing(origin, folder, manifest)
    problems = _problems(folder, manifest, verify=verify)
    if problems and not _is_offline():
        problems = _mended(origin, folder, manifest, problems)
    for name, problem in problems.items():
        if name not in manifest.indexes:
            raise CollectionError(f"{name} of {origin} {problem}. {_advice(origin)}")
    log.info("Opening %s.", origin)
    return Collection(
        state=read_state(folder, manifest, damaged_indexes=problems), manifest=manifest, folder=folder, origin=origin
    )


def published_manifest_of(repo_id: str) -> tuple[Origin, Manifest]:
    """The newest commit of a published collection and its manifest, and nothing else of it."""
    check_repo_id(repo_id)
    origin = Origin(repo_id, _resolve(repo_id, None))
    return origin, _fetch_manifest(origin)[1]


def _open_mounted(repo_id: str) -> Collection | None:
    """The collection from the volume of this Space, where the Hub itself keeps the files; None if there is none."""
    mount, _, commit = os.environ.get(VOLUME, "").rpartition("@")
    folder = Path(mount or ".")
    if not mount or os.environ.get("ARTSIM_COLLECTION") != repo_id or not (folder / FILE_NAME).is_file():
        return None
    origin, manifest = Origin(repo_id, commit), read_manifest(folder)
    problems = {
        name: problem for name, record in manifest.files.items() if (problem := _size_problem(folder / name, record))
    }
    problems.pop("README.md", None)
    if set(problems) - manifest.indexes:
        log.warning("The volume %s is incomplete (%s); %s is fetched instead.", mount, ", ".join(problems), repo_id)
        return None
    log.info("Opening %s from the volume %s.", origin, mount)
    return Collection(
        state=read_state(folder, manifest, damaged_indexes=problems), manifest=manifest, folder=folder, origin=origin
    )


def _resolve(repo_id: str, revision: str | None) -> str:
    """The commit that `revision` names now; where the Hub does not answer, the one it named when last asked for."""
    return patiently(
        lambda: hub_api().resolve_revision(repo_id, repo_type="dataset", revision=revision).resolved,
        f"opening {repo_id}, which is no folder here,",
    )


def _fetch_manifest(origin: Origin) -> tuple[Path, Manifest]:
    """The folder of the commit in the cache, and the manifest in it; before anything large is fetched."""
    from huggingface_hub.errors import RemoteEntryNotFoundError

    def get() -> Path:
        try:
            return _download(origin, FILE_NAME)
        except RemoteEntryNotFoundError as error:
            raise CollectionError(
                f"{origin} is a dataset, but not a collection (it has no {FILE_NAME}). Make one from it with: "
                f"python scripts/build_collection.py --source hub:{origin.repo_id} --out FOLDER"
            ) from error

    path = patiently(get, f"fetching {FILE_NAME} of {origin}")
    return path.parent, parse_manifest(path.read_text(encoding="utf-8"), f"{FILE_NAME} of {origin}")


def _fetch_missing(origin: Origin, folder: Path, manifest: Manifest) -> None:
    """Fetch what the cache lacks, several files at a time, with progress bars. What the Hub lacks is found out later."""
    missing = [name for name in manifest.files if not (folder / name).is_file()]
    if not missing or _is_offline():
        return
    from huggingface_hub import snapshot_download

    size = sum(manifest.files[name].size for name in missing)
    log.info("Fetching %d files of %s, %.1f MB.", len(missing), origin, size / 1e6)
    patiently(
        lambda: snapshot_download(
            origin.repo_id,
            repo_type="dataset",
            revision=origin.commit,
            allow_patterns=[FILE_NAME, *missing],
            max_workers=_WORKERS,
        ),
        f"fetching {origin}",
    )


def _mended(origin: Origin, folder: Path, manifest: Manifest, problems: Mapping[str, str]) -> dict[str, str]:
    """Fetch missing and damaged files once more; returns the problems that remain."""
    from huggingface_hub.errors import RemoteEntryNotFoundError

    for name, problem in problems.items():
        log.warning("%s of %s %s; it is fetched again.", name, origin, problem)
        try:
            _download(origin, name, again=True)
        except RemoteEntryNotFoundError:
            log.warning("%s has no %s on the Hub either.", origin, name)
        except hub_errors(ValueError) as error:  # ValueError: how the client says that it cannot fetch again
            log.warning("%s cannot be fetched again: %s", name, sentence(error, f"fetching {name}"))
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
    """The files that are not as the manifest says, each with what is wrong. What was verified before is not read again."""
    seen = _read_seen()
    before = dict(seen)
    trusted = os.environ.get(TRUST) == "1"
    problems = {}
    for name, record in manifest.files.items():
        if name == "README.md":  # the card may be edited by people
            continue
        path = folder / name
        problem = _size_problem(path, record)
        if problem is None and (verify or not (trusted or seen.get(str(path.resolve())) == _stamp(path, record))):
            if sha256(path) == record.sha256:
                seen[str(path.resolve())] = _stamp(path, record)
            else:
                problem = "has other contents than when it was published (its sha256 differs)"
        if problem is not None:
            problems[name] = problem
    if seen != before:
        _write_seen(seen)
    return problems


def _size_problem(path: Path, record: FileRecord) -> str | None:
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    return None if size == record.size else f"has {size:,} bytes instead of {record.size:,}"


def _stamp(path: Path, record: FileRecord) -> list[str | int]:
    """What is remembered of a file that was found good: as long as it stays the same, so does its hash."""
    return [path.stat().st_size, path.stat().st_mtime_ns, record.sha256]


def _seen_path() -> Path:
    return Path(os.environ.get("ARTSIM_CACHE") or default_cache()).expanduser() / "verified.json"


def _read_seen() -> dict[str, list[str | int]]:
    """Stamp by path; empty when there is none, or it cannot be read: then everything is verified again."""
    try:
        seen = json.loads(_seen_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return seen if isinstance(seen, dict) else {}


def _write_seen(seen: Mapping[str, list[str | int]]) -> None:
    kept = {path: stamp for path, stamp in seen.items() if Path(path).is_file()}
    try:
        _seen_path().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(_seen_path(), json.dumps(kept, indent=0))
    except OSError as error:
        log.info("That the files are good cannot be remembered (%s); they are verified again next time.", error)
