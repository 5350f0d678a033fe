"""Owner authentication: decides which requests may change the collection.

Without a token, the owner is whoever uses this machine: the app listens on this machine only, and a request must name
this machine as its host. (A foreign web page can send requests here under a host name of its own, by DNS rebinding; and
a proxy would pass on everyone's requests.) With a token, the owner logs in and gets a cookie.

A request that changes something must also be same-origin, according to the browser, and carry a key that only pages of
this app contain.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from artsim.curation.session import EditSession
from artsim.ui.cookies import set_cookie
from artsim.ui.login_pace import LoginPace

COOKIE = "artsim-owner"
PAGE_HEADER = "x-artsim-page"
"""The request header with `Owner.page_key`."""
SESSION = 12 * 3600  # lifetime of a log-in, in seconds
_FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


@dataclass(frozen=True)
class Owner:
    """`token` None: whoever uses this machine is the owner. Log-ins and page keys are valid until the app stops."""

    token: str | None = field(repr=False)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """Signs page keys."""
    pace: LoginPace = field(default_factory=LoginPace, repr=False)
    _sessions: dict[str, float] = field(default_factory=dict, repr=False)
    """Value of the cookie of each log-in -> the time when it ends, as `time.monotonic` counts."""

    @property
    def logs_in(self) -> bool:
        return self.token is not None

    def admits(self, request: Request) -> bool:
        """Whether the request is the owner's and may read; see `may_change` for changes."""
        return is_at_this_machine(request) if self.token is None else self._session(request) is not None

    def may_change(self, request: Request) -> bool:
        """Whether the request is the owner's and comes from a page of this app."""
        page_key = request.headers.get(PAGE_HEADER, "")
        return self.admits(request) and is_same_origin(request) and _same(page_key, self.page_key(request))

    def page_key(self, request: Request) -> str:
        """The key that a page opened by the owner must send with every change."""
        text = f"page {self._session(request) or 'here'}"
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()

    def log_in(self, request: Request, candidate: str, response: Response) -> bool:
        """Set the owner's cookie on `response` if `candidate` is the token. Returns whether it is."""
        if self.token is None or not _same(candidate, self.token):
            return False
        now, session = monotonic(), secrets.token_urlsafe(24)
        for old in [name for name, end in self._sessions.items() if end <= now]:
            self._sessions.pop(old, None)
        self._sessions[session] = now + SESSION
        set_cookie(request, response, COOKIE, session, max_age=SESSION, samesite="strict")
        return True

    def log_out(self, request: Request, response: Response) -> None:
        """End the session for good: its cookie is worth nothing to whoever has a copy of it."""
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        set_cookie(request, response, COOKIE, "", max_age=0, samesite="strict")

    def _session(self, request: Request) -> str | None:
        """The session in the cookie, if it is open."""
        session = request.cookies.get(COOKIE, "")
        return session if self._sessions.get(session, 0.0) > monotonic() else None


@dataclass(frozen=True)
class OwnerTools:
    owner: Owner
    session: EditSession
    reopen: threading.Event = field(default_factory=threading.Event)
    """Set when the app must open the collection that the library now selects."""
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    """Changes with every opening, so that a page notices when another collection is open."""


def is_at_this_machine(request: Request) -> bool:
    """Whether the request names this machine as its host and did not come through a proxy."""
    if any(name in request.headers for name in _FORWARDING) or request.scope.get("http_version") == "1.0":
        return False
    return is_loopback(host_name(f"//{request.headers.get('host', '')}"))


def is_same_origin(request: Request) -> bool:
    """Whether a page of this app sent the request, according to the browser."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("origin", "")).netloc.lower()
    hosts = (request.headers.get("host"), request.headers.get("x-forwarded-host"))
    return bool(origin) and origin in [name.lower() for name in hosts if name]


def host_name(address: str) -> str:
    """The host in an address such as `//localhost:7860`, in lower case; empty if it has none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_loopback(name: str) -> bool:
    """Whether a host name means the machine itself."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _same(first: str, second: str) -> bool:
    return hmac.compare_digest(first.encode(), second.encode())
