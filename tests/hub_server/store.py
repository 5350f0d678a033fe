"""The state of the loopback Hub: repositories, commits, files and access rights, without HTTP.

The rules are git's and the Hub's: a commit is an immutable snapshot of path -> blob with a 40-hex sha, `main` moves,
old revisions stay readable by sha, and a small file is identified by its git oid, a large (LFS) one by its sha256.
"""

import fnmatch
import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

REPO_TYPES = ("model", "dataset", "space")
LFS_FROM_BYTES = 10 * 1024 * 1024  # the Hub keeps larger files as LFS, whatever their name
URL_PREFIX = {"model": "", "dataset": "datasets/", "space": "spaces/"}

# Suffixes that `.gitattributes` of a new repository assigns to LFS; in datasets, also those of media.
_LFS_SUFFIXES = """
7z arrow avro bin bz2 ckpt ftz gz h5 joblib lz4 mlmodel model msgpack npy npz onnx ot parquet pb pickle pkl pt pth rar
safetensors tar tflite tgz wasm xz zip zst
"""
_LFS_MEDIA_SUFFIXES = "aac flac mp3 ogg wav bmp gif png tiff jpg jpeg webp mp4 webm"

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


@dataclass(frozen=True)
class Put:
    path: str
    blob: Blob


@dataclass(frozen=True)
class Delete:
    path: str


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

    def commit(self, changes: Iterable[Put | Delete], *, title: str, parent: str | None = None) -> Commit:
        """Move `main` to a new commit. `parent` is the head that the caller expects: any other one is 412."""
        if parent is not None and parent != self.head.sha:
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        tree = dict(self.head.tree)
        for change in changes:
            _apply(tree, change)
        return self._record(tree, title)

    def goes_to_lfs(self, path: str, size: int, sample: bytes) -> bool:
        """Whether the Hub stores this file as LFS: listed in `.gitattributes`, large, or not text."""
        if size == 0:
            return False
        attributes = self.head.tree.get(".gitattributes")
        rules = attributes.data.decode().splitlines() if attributes else []
        patterns = [rule.split()[0] for rule in rules if "filter=lfs" in rule.split()]
        named = any(fnmatch.fnmatch(path if "/" in p else path.rsplit("/", 1)[-1], p) for p in patterns)
        return named or size >= LFS_FROM_BYTES or not _is_text(sample)

    def _first_commit(self) -> None:
        suffixes = (_LFS_SUFFIXES + (_LFS_MEDIA_SUFFIXES if self.type == "dataset" else "")).split()
        attributes = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in suffixes)
        tree = {".gitattributes": Blob(attributes.encode(), lfs=False)}
        if self.space is not None:
            title = self.id.split("/")[-1]
            card = f"---\ntitle: {title}\nsdk: gradio\napp_file: app.py\npinned: false\n---\n"
            tree["README.md"] = Blob(card.encode(), lfs=False)
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
    namespaces: frozenset[str] = frozenset()


class HubStore:
    """All repositories, and the rules of access to them.

    `tokens`: token -> (user, "read" or "write"); `orgs`: organisation -> its members' user names.
    """

    def __init__(self, tokens: Mapping[str, tuple[str, str]], orgs: Mapping[str, Iterable[str]]):
        self.tokens = dict(tokens)
        self.orgs = {org: set(members) for org, members in orgs.items()}
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
        user, role = account
        own = {user} | {org for org, members in self.orgs.items() if user in members}
        return Caller(user, role, frozenset(own))

    def create(self, repo_id: str, repo_type: str, *, caller: Caller, private: bool = False) -> Repo:
        if repo_type not in REPO_TYPES:
            raise HubError(400, f"Unknown repository type {repo_type!r}: use one of {', '.join(REPO_TYPES)}.")
        self.need_write(repo_id.split("/")[0], caller)
        if (repo_type, repo_id) in self.repos:
            raise HubError(409, f"You already created this {repo_type} repo: {repo_id}")
        self.repos[repo_type, repo_id] = Repo(repo_id, repo_type, private=private)
        return self.repos[repo_type, repo_id]

    def read(self, repo_type: str, repo_id: str, caller: Caller) -> Repo:
        """The repository, if the caller can see it; else 401 (no token) or 404, as if it did not exist."""
        repo = self.repos.get((repo_type, repo_id))
        if repo is not None and (not repo.private or repo.namespace in caller.namespaces):
            return repo
        # The Hub sends no code with its 401; the client then reads "401 from https" as "repository not found".
        # Here the address is plain http, so the code is sent to raise the same exception.
        if caller.user is None:
            raise HubError(401, "Invalid username or password.", code="RepoNotFound")
        raise HubError(404, "Repository not found", code="RepoNotFound")

    def write(self, repo_type: str, repo_id: str, caller: Caller) -> Repo:
        repo = self.read(repo_type, repo_id, caller)
        self.need_write(repo.namespace, caller)
        return repo

    def need_write(self, namespace: str, caller: Caller) -> None:
        if caller.user is None:
            raise HubError(401, "Invalid username or password.")
        if caller.role != "write":
            raise HubError(403, "Forbidden: you must use a write token to change a repository.")
        if namespace not in caller.namespaces:
            raise HubError(403, f'You don\'t have the rights to write under the namespace "{namespace}"')

    def need_content(self, repo: Repo, caller: Caller) -> None:
        """Raises `GatedRepo` if the repository is gated and the caller has no access."""
        if not repo.gated or repo.namespace in caller.namespaces:
            return
        status = 401 if caller.user is None else 403
        raise HubError(status, f"Access to {repo.type} {repo.id} is restricted.", code="GatedRepo")


def _apply(tree: dict[str, Blob], change: Put | Delete) -> None:
    parts = change.path.split("/")
    if not change.path or any(part in ("", ".", "..", ".git") for part in parts):
        raise HubError(400, f"Not a valid path in a repository: {change.path!r}")
    if isinstance(change, Put):
        tree[change.path] = change.blob
        return
    if change.path not in tree:
        raise HubError(404, f"A file with this name doesn't exist: {change.path}", code="EntryNotFound")
    del tree[change.path]


def _is_text(sample: bytes) -> bool:
    """Whether the first bytes of a file are UTF-8 without NUL; a character may be cut off at the end."""
    if b"\0" in sample:
        return False
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(sample) - 3 and "unexpected end" in error.reason
    return True
