"""The state of the loopback Hub: repositories, commits, files and access rights, without HTTP.

The rules are git's and the Hub's: a commit is an immutable snapshot of path -> blob with a 40-hex sha, `main` moves,
old revisions stay readable by sha, and a small file is identified by its git oid, a large (LFS) one by its sha256.
"""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

URL_PREFIX = {"model": "", "dataset": "datasets/", "space": "spaces/"}

# Never reset, so that no two commits of a process share a sha: clients cache by sha.
_SERIAL = itertools.count(1)


class HubError(Exception):
    """A refusal in the words of the Hub: `status`, message, and optionally a code such as `EntryNotFound`."""

    def __init__(self, status: int, message: str, *, code: str | None = None, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, dict(headers or {})


@dataclass(frozen=True)
class Blob:
    """The content of one file at one commit."""

    data: bytes
    lfs: bool

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def pointer(self) -> bytes:
        """The small text that git stores in place of an LFS file."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n".encode()

    @cached_property
    def git_oid(self) -> str:
        content = self.pointer if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.git_oid


@dataclass(frozen=True)
class Commit:
    sha: str
    title: str
    tree: Mapping[str, Blob]


@dataclass
class Space:
    """The settings of a Space, which are not in its files."""

    hardware: str = "cpu-basic"
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    volumes: list[dict[str, Any]] = field(default_factory=list)


class Repo:
    """One repository: its commits on `main`, tags, and the LFS objects that were uploaded to it."""

    def __init__(self, repo_id: str, repo_type: str, *, private: bool = False, gated: str | bool = False):
        self.id, self.type, self.private, self.gated = repo_id, repo_type, private, gated
        self.space = Space() if repo_type == "space" else None
        self.commits: dict[str, Commit] = {}  # oldest first
        self.tags: dict[str, str] = {}
        self.lfs: dict[str, bytes] = {}  # sha256 -> content, committed or not yet
        self._first_commit()

    @property
    def namespace(self) -> str:
        return self.id.split("/")[0]

    @property
    def head(self) -> Commit:
        return next(reversed(self.commits.values()))

    def resolve(self, revision: str) -> Commit:
        """The commit of `main`, a tag, or a whole sha."""
        sha = self.head.sha if revision == "main" else self.tags.get(revision, revision)
        if sha not in self.commits:
            raise HubError(404, f"Invalid rev id: {revision}", code="RevisionNotFound")
        return self.commits[sha]

    def commit(self, changes: Mapping[str, Blob | None], *, title: str, parent: str | None = None) -> Commit:
        """Move `main` to a new commit (None deletes a file). 412 unless `parent`, if given, is the head."""
        if parent is not None and parent != self.head.sha:
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        tree = {**self.head.tree, **changes}
        return self._record({path: blob for path, blob in tree.items() if blob is not None}, title)

    def _first_commit(self) -> None:
        tree = {".gitattributes": Blob(b"*.parquet filter=lfs diff=lfs merge=lfs -text\n", lfs=False)}
        if self.space is not None:
            tree["README.md"] = Blob(b"---\ntitle: New\nsdk: gradio\napp_file: app.py\n---\n", lfs=False)
        self._record(tree, "initial commit")

    def _record(self, tree: dict[str, Blob], title: str) -> Commit:
        listing = "".join(f"{path} {blob.git_oid}\n" for path, blob in sorted(tree.items()))
        sha = hashlib.sha1(f"{next(_SERIAL)} {self.id}\n{title}\n{listing}".encode()).hexdigest()
        self.commits[sha] = Commit(sha, title, MappingProxyType(dict(sorted(tree.items()))))
        return self.commits[sha]


@dataclass(frozen=True)
class Caller:
    """The sender of a request: `user` and `role` are None without a token."""

    user: str | None = None
    role: str | None = None


class HubStore:
    """All repositories, and the rules of access to them: a user reads what is public, and reads and writes their own.

    `tokens`: token -> (user, "read" or "write").
    """

    def __init__(self, tokens: Mapping[str, tuple[str, str]]):
        self.tokens = dict(tokens)
        self.url = ""  # set by the server once it listens
        self.repos: dict[tuple[str, str], Repo] = {}
        self.tickets: dict[str, tuple[Repo, str, int]] = {}  # upload ticket -> repository, sha256, size

    def caller(self, authorization: str | None) -> Caller:
        """The caller of an `Authorization` header; an unknown token is 401 everywhere."""
        if not authorization:
            return Caller()
        account = self.tokens.get(authorization.removeprefix("Bearer ").strip())
        if account is None:
            raise HubError(401, "Invalid credentials in Authorization header")
        return Caller(*account)

    def create(self, repo_id: str, repo_type: str, *, caller: Caller, private: bool = False) -> Repo:
        self.need_write(repo_id.split("/")[0], caller)
        assert (repo_type, repo_id) not in self.repos
        self.repos[repo_type, repo_id] = Repo(repo_id, repo_type, private=private)
        return self.repos[repo_type, repo_id]

    def read(self, repo_type: str, repo_id: str, caller: Caller) -> Repo:
        """The repository, if the caller can see it; else 404, as if it did not exist."""
        repo = self.repos.get((repo_type, repo_id))
        if repo is None or (repo.private and repo.namespace != caller.user):
            raise HubError(404, "Repository not found", code="RepoNotFound")
        return repo

    def write(self, repo_type: str, repo_id: str, caller: Caller) -> Repo:
        repo = self.read(repo_type, repo_id, caller)
        self.need_write(repo.namespace, caller)
        return repo

    def need_write(self, namespace: str, caller: Caller) -> None:
        if caller.role != "write" or namespace != caller.user:
            raise HubError(403, f'You don\'t have the rights to write under the namespace "{namespace}"')

    def need_content(self, repo: Repo, caller: Caller) -> None:
        """Raises `GatedRepo` if the repository is gated and the caller has no access."""
        if repo.gated and repo.namespace != caller.user:
            raise HubError(403, f"Access to {repo.type} {repo.id} is restricted.", code="GatedRepo")


def goes_to_lfs(sample: bytes) -> bool:
    """Whether the Hub stores a file with these first bytes as LFS: it is not text."""
    return b"\0" in sample
