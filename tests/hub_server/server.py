"""A small Hugging Face Hub on the loopback address, for the real clients.

    hub.add_repo("artist/works", "dataset", {"README.md": b"# Works"})
    ...                                             # a client with HF_ENDPOINT=hub.url, HF_TOKEN=hub.token
    assert hub.commits("artist/works", "dataset")[0].title == "..."

It keeps everything in memory, records every request, and simulates faults (`inject(Fault(...))`).

Differences from the real Hub: LFS files are served from the same host (no redirect to storage, no Xet, so clients need
HF_HUB_DISABLE_XET=1), a Space builds at once, there are no organisations, branches, pages of listings, pull requests,
discussions or dataset viewer. Unknown routes are answered with 501, which clients do not retry.
"""

import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from hub_server import files, routes
from hub_server.calls import Answer, Call, Route
from hub_server.faults import ArmedFault, Fault, refuse, spoil
from hub_server.http import LoopbackHttp
from hub_server.store import Blob, Commit, HubError, HubStore, Repo, goes_to_lfs

ROUTES: tuple[Route, ...] = (*files.ROUTES, *routes.ROUTES)


@dataclass(frozen=True)
class Request:
    """A handled request: bytes of body received and sent; status 0 if there was no answer."""

    method: str
    path: str
    route: str
    status: int
    received: int
    sent: int


class HubServer:
    """The server and its interface for tests.

    `.url`, `.token` (read and write) and `.read_token` (read only) of the user `artist`, and `.other_token` (read and
    write) of the user `visitor`.
    """

    token = "hf_artist_write"
    read_token = "hf_artist_read"
    other_token = "hf_visitor_write"

    def __init__(self) -> None:
        artist, visitor = "artist", "visitor"
        self._store = HubStore(
            {self.token: (artist, "write"), self.read_token: (artist, "read"), self.other_token: (visitor, "write")}
        )
        self._lock = threading.RLock()
        self._requests: list[Request] = []
        self._faults: list[ArmedFault] = []
        self.bugs: list[str] = []  # tracebacks of errors in this server itself
        self._http = LoopbackHttp(self._respond)
        self._store.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), name="hub", daemon=True).start()

    @property
    def url(self) -> str:
        return self._store.url

    @property
    def requests(self) -> list[Request]:
        """Every request since the start or the last `clear()`, oldest first."""
        with self._lock:
            return list(self._requests)

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def clear(self) -> None:
        """Remove all repositories, requests, faults and bugs; address and tokens stay."""
        with self._lock:
            self._store.repos.clear()
            self._store.tickets.clear()
            self._requests.clear()
            self._faults.clear()
            self.bugs.clear()

    def clear_requests(self) -> None:
        with self._lock:
            self._requests.clear()

    def clear_faults(self) -> None:
        with self._lock:
            self._faults.clear()

    def inject(self, fault: Fault) -> ArmedFault:
        """Arm a fault. If several match a request, the one that was injected first applies."""
        names = {route.name for route in ROUTES} | {"*"}
        if fault.route not in names:
            raise ValueError(f"No route is called {fault.route!r}. The routes are {', '.join(sorted(names))}.")
        with self._lock:
            self._faults.append(ArmedFault(fault))
            return self._faults[-1]

    def add_repo(
        self,
        repo_id: str,
        repo_type: str,
        files: Mapping[str, bytes | Path] | None = None,
        *,
        private: bool = False,
        gated: str | bool = False,
    ) -> str:
        """Add a repository without HTTP, in any namespace; returns the sha of `main`.

        As on the Hub, the first commit has `.gitattributes` (in a Space also README.md); the second has `files`.
        """
        with self._lock:
            repo = Repo(repo_id, repo_type, private=private, gated=gated)
            self._store.repos[repo_type, repo_id] = repo
            return self.add_commit(repo_id, repo_type, files) if files else repo.head.sha

    def add_commit(
        self, repo_id: str, repo_type: str, files: Mapping[str, bytes | Path], *, title: str = "Add files"
    ) -> str:
        """Commit files to `main` without HTTP, as somebody else would; returns the new sha."""
        with self._lock:
            repo, changes = self._store.repos[repo_type, repo_id], dict[str, Blob | None]()
            for path, source in files.items():
                data = source.read_bytes() if isinstance(source, Path) else source
                blob = changes[path] = Blob(data, lfs=goes_to_lfs(data[:512]))
                if blob.lfs:
                    repo.lfs[blob.sha256] = data
            return repo.commit(changes, title=title).sha

    def commits(self, repo_id: str, repo_type: str) -> list[Commit]:
        """The commits of `main`, newest first."""
        with self._lock:
            return list(reversed(self.repo(repo_id, repo_type).commits.values()))

    def files(self, repo_id: str, repo_type: str) -> dict[str, bytes]:
        """The newest files."""
        with self._lock:
            return {path: blob.data for path, blob in self.repo(repo_id, repo_type).head.tree.items()}

    def exists(self, repo_id: str, repo_type: str) -> bool:
        with self._lock:
            return (repo_type, repo_id) in self._store.repos

    def repo(self, repo_id: str, repo_type: str) -> Repo:
        """The repository itself, for attributes without a method here: `private`, `space`, `tags`."""
        with self._lock:
            return self._store.repos[repo_type, repo_id]

    def _respond(self, method: str, target: str, headers: Message, body: bytes) -> tuple[Answer | None, int]:
        """Answer a request. Returns the answer (None: close the connection) and how many bytes of its body to send."""
        parts = urlsplit(target)
        found = ((route, route.match(method, parts.path)) for route in ROUTES)
        route, at = next(((route, at) for route, at in found if at is not None), (None, {}))
        name = route.name if route else "none"
        with self._lock:
            fault = next((f.fault for f in self._faults if f.takes(name, method, unquote(parts.path))), None)
        kind = fault.kind if fault else None
        answer: Answer | None = None
        if fault and kind == "slow":
            threading.Event().wait(fault.seconds)  # time.sleep is shortened by some tests
        if fault and kind == "status":
            answer = refuse(fault)
        elif kind != "drop":
            taken = body[: len(body) // 2] if kind == "wrong_size" and method == "PUT" else body
            answer = self._dispatch(route, at or {}, method, parts, headers, taken)
            answer = spoil(answer, kind)
            if fault and kind == "trickle":
                answer = replace(answer, pause=fault.seconds)
        if kind == "lost_answer":
            answer = None
        size = len(answer.body) if answer else 0
        sent = 0 if method == "HEAD" else size // 2 if kind == "cut" else size
        status = answer.status if answer else 0
        with self._lock:
            self._requests.append(Request(method, unquote(parts.path), name, status, len(body), sent))
        return answer, sent

    def _dispatch(
        self, route: Route | None, at: Mapping[str, str], method: str, url: SplitResult, headers: Message, body: bytes
    ) -> Answer:
        with self._lock:
            try:
                caller = self._store.caller(headers.get("Authorization"))
                if route is None:
                    raise HubError(501, f"The loopback Hub does not serve {method} {url.path}.")
                query = parse_qs(url.query, keep_blank_values=True)
                return route.answer(Call(self._store, method, at, query, headers, body, caller))
            except HubError as error:
                return Answer.refusal(error)
            except Exception as error:  # noqa: BLE001 - a bug of this server must reach the test, not hang the client
                self.bugs.append(traceback.format_exc())
                return Answer.refusal(HubError(501, f"A bug in the loopback Hub: {error!r}"))
