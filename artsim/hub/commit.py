"""Make a repository hold exactly the given files, by one atomic commit; safe to repeat after any failure.

`HfApi.create_commit` compares, and leaves out what the Hub has; `HfApi.upload_folder` would make several commits of a large
folder. The parent commit is pinned, so that a concurrent commit is detected (412). Every attempt reads the repository
again: if a response was lost, its commit is found there, and nothing is committed twice.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artsim.errors import HubError
from artsim.messages.message import Message
from artsim.web.http import TIMEOUT_S
from artsim.web.hub_client import with_retries
from artsim.web.hub_token import hub_api

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, CommitOperationAdd, HfApi

SentProgress = Callable[[int, int], None]
"""Called with the number of bytes sent so far (or found on the Hub already) and the total number."""

_LARGE = 1_000_000  # bytes; larger files are sent one by one before the commit, to show progress

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


def push_files(
    repo_id: str,
    repo_type: str,
    files: Mapping[str, Path | bytes],
    *,
    owns: Callable[[str], bool],
    message: str,
    progress: SentProgress | None = None,
) -> Pushed:
    """Make the existing repository hold `files`, and no other paths for which `owns(path)` is true, by one commit.

    Raises `HubError` if the Hub refuses, or is still busy after the last retry.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api = hub_api()
    additions = [CommitOperationAdd(path, content) for path, content in files.items()]
    states: list[dict[str, str]] = []

    def commit() -> CommitInfo:
        head, blobs = _read(api, repo_id, repo_type)
        states.append(blobs)
        adding = [copy.copy(addition) for addition in additions]  # the client notes in them what the Hub has
        vanished = [CommitOperationDelete(path, is_folder=False) for path in blobs if owns(path) and path not in files]
        _send_large(api, repo_id, repo_type, adding, progress)
        return api.create_commit(
            repo_id, [*adding, *vanished], commit_message=message, repo_type=repo_type, parent_commit=head
        )

    made = with_retries(lambda: _converting_refusals(commit, repo_id), Message("Publishing to {repo}", repo=repo_id))
    if progress is not None:
        total = sum(addition.upload_info.size for addition in additions)
        progress(total, total)
    _, after = with_retries(lambda: _read(api, repo_id, repo_type, made.oid), Message("Reading {repo}", repo=repo_id))
    before = states[0]
    return Pushed(
        repo_id,
        made.oid,
        made.commit_url.rpartition("/commit/")[0],
        sent=tuple(path for path in files if before.get(path) != after.get(path)),
        deleted=tuple(path for path in before if owns(path) and path not in after),
    )


def _read(api: HfApi, repo_id: str, repo_type: str, revision: str | None = None) -> tuple[str, dict[str, str]]:
    """The commit of a revision (default: the newest), and the git id of each of its files."""
    info: Any = api.repo_info(repo_id, repo_type=repo_type, revision=revision, files_metadata=True, timeout=TIMEOUT_S)
    return info.sha, {file.rfilename: file.blob_id for file in info.siblings}


def _send_large(
    api: HfApi,
    repo_id: str,
    repo_type: str,
    additions: Sequence[CommitOperationAdd],
    progress: SentProgress | None,
) -> None:
    """Upload the large files, unless the Hub has them; the small ones go with the commit."""
    total, done = sum(addition.upload_info.size for addition in additions), 0
    log.info("Sending what the Hub lacks of %d files, %.3g MB.", len(additions), total / 1e6)
    for addition in additions:
        size = addition.upload_info.size
        if size > _LARGE:
            log.info("Sending %s, %.3g MB.", addition.path_in_repo, size / 1e6)
            api.preupload_lfs_files(repo_id, [addition], repo_type=repo_type, free_memory=False)
            done += size
            if progress is not None:
                progress(done, total)


def _converting_refusals(commit: Callable[[], CommitInfo], repo_id: str) -> CommitInfo:
    try:
        return commit()
    except ValueError as error:  # also a 400: the Hub never accepts this content, such as a malformed card
        reason = " ".join(str(error).split())[:300]
        raise HubError("The Hub refuses the files for {repo}: {reason}", repo=repo_id, reason=reason) from error
    except RuntimeError as error:  # of the client, when the upload of a file is interrupted
        raise ConnectionError(str(error)) from error
