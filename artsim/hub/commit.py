"""Make a repository hold exactly the given files, by one atomic commit; safe to repeat after any failure.

The repository is read first, and only differences are sent. The parent commit is pinned, so that a concurrent commit is
detected (412). After every failure the repository is read again before anything is sent: if a response was lost, its
commit is found there, and nothing is committed twice.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artsim.errors import HubError
from artsim.messages.message import Message
from artsim.storage.manifest import sha256
from artsim.web.hub_client import PAUSES, error_message, hub_errors, is_transient, pause, with_retries
from artsim.web.hub_token import hub_api

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

SentProgress = Callable[[int, int], None]
"""Called with the number of bytes sent so far and the total number."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pushed:
    """The result of a push. `commit` is the newest commit of the repository, even if nothing had to be sent."""

    repo_id: str
    commit: str
    url: str
    sent: tuple[str, ...]
    deleted: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.sent or self.deleted)


@dataclass(frozen=True)
class LocalFile:
    """A file for the repository, on disk or in memory. A known `sha256` saves reading it."""

    content: Path | bytes
    sha256: str | None = None

    @property
    def size(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @property
    def digest(self) -> str:
        """The sha256 of the content."""
        if self.sha256 is not None:
            return self.sha256
        return hashlib.sha256(self.content).hexdigest() if isinstance(self.content, bytes) else sha256(self.content)

    def is_at(self, entry: Any) -> bool:
        """Whether the repository holds the same bytes; `entry` is a `huggingface_hub.RepoFile`."""
        if entry.size != self.size:
            return False
        if entry.lfs is not None:
            return entry.lfs.sha256 == self.digest
        content = self.content if isinstance(self.content, bytes) else self.content.read_bytes()
        return entry.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class _Plan:
    head: str
    changed: tuple[str, ...]
    vanished: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.vanished)


def push_files(
    repo_id: str,
    repo_type: str,
    files: Mapping[str, LocalFile],
    *,
    owns: Callable[[str], bool],
    message: str,
    progress: SentProgress | None = None,
) -> Pushed:
    """Make the existing repository hold `files`, and no other paths for which `owns(path)` is true, by one commit.

    Raises `HubError` if the Hub refuses, or is still busy after about half a minute of retries.
    """
    api, what = hub_api(), Message("Publishing to {repo}", repo=repo_id)
    additions: dict[str, CommitOperationAdd] = {}
    last_plan: _Plan | None = None
    for delay in (*PAUSES, None):
        plan = _compare(api, repo_id, repo_type, files, owns)
        if not plan:
            return _pushed(api, repo_id, repo_type, plan.head, last_plan)
        last_plan = plan
        try:
            return _send(api, repo_id, repo_type, files, plan, additions, message, progress)
        except ValueError as error:  # also a 400: the Hub never accepts this content, such as a malformed card
            reason = " ".join(str(error).split())[:300]
            raise HubError("The Hub refuses the files for {repo}: {reason}", repo=repo_id, reason=reason) from error
        except hub_errors(RuntimeError) as error:
            if delay is None or not is_transient(error):
                raise HubError(error_message(error, what)) from error
            pause(error, delay)
    raise AssertionError("the last try returns or raises")


def _compare(
    api: HfApi, repo_id: str, repo_type: str, files: Mapping[str, LocalFile], owns: Callable[[str], bool]
) -> _Plan:
    """The changes that the repository needs in its present state."""
    from huggingface_hub.hf_api import RepoFile

    def read() -> tuple[str, dict[str, Any]]:
        head = api.repo_info(repo_id, repo_type=repo_type).sha
        tree = api.list_repo_tree(repo_id, repo_type=repo_type, revision=head, recursive=True)
        return head or "", {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}

    head, entries = with_retries(read, Message("Reading {repo}", repo=repo_id))
    changed = tuple(path for path, file in files.items() if path not in entries or not file.is_at(entries[path]))
    vanished = tuple(path for path in entries if owns(path) and path not in files)
    return _Plan(head, changed, vanished)


def _send(
    api: HfApi,
    repo_id: str,
    repo_type: str,
    files: Mapping[str, LocalFile],
    plan: _Plan,
    additions: dict[str, CommitOperationAdd],
    message: str,
    progress: SentProgress | None,
) -> Pushed:
    """Upload the changed files one by one, then commit. `additions` keeps what is uploaded for a retry."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    total, done = sum(files[path].size for path in plan.changed), 0
    for number, path in enumerate(plan.changed, 1):
        if path not in additions:
            content = files[path].content
            log.info("Sending %s (%s), %d of %d.", path, _readable(files[path].size), number, len(plan.changed))
            additions[path] = CommitOperationAdd(path, content)
            api.preupload_lfs_files(repo_id, [additions[path]], repo_type=repo_type, free_memory=False)
        done += files[path].size
        if progress is not None:
            progress(done, total)
    operations = [additions[path] for path in plan.changed]
    made = api.create_commit(
        repo_id,
        [*operations, *(CommitOperationDelete(path, is_folder=False) for path in plan.vanished)],
        commit_message=message,
        repo_type=repo_type,
        parent_commit=plan.head,
    )
    return _pushed(api, repo_id, repo_type, made.oid, plan)


def _pushed(api: HfApi, repo_id: str, repo_type: str, commit: str, plan: _Plan | None) -> Pushed:
    url = f"{api.endpoint}/{repo_type}s/{repo_id}" if repo_type != "model" else f"{api.endpoint}/{repo_id}"
    return Pushed(repo_id, commit, url, plan.changed if plan else (), plan.vanished if plan else ())


def _readable(size: int) -> str:
    """A number of bytes for people: `447 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}" if unit != "bytes" else f"{size} bytes"
        size /= 1000  # type: ignore[assignment]
    return f"{size:.3g} GB"
