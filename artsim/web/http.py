"""HTTP client for third-party servers: few requests at once, retries that honour `Retry-After`, bounded responses.

Redirects are followed on the same server and to trusted hosts only, and no response is read beyond the size that its
caller allows.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, BinaryIO, Self

import httpx

from artsim.errors import SourceError
from artsim.version import VERSION
from artsim.web.retries import LONGEST_WAIT_S, RETRIES, retry_after, retrying

TIMEOUT_S = 30.0  # to connect, and between two chunks of a response
MAX_REDIRECTS = 3
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


class FetchError(SourceError):
    """An address could not be fetched.

    `temporary`: the server or the connection failed; `retry_after`: seconds, unless a retry is useless.
    """

    code = "fetch"

    def __init__(self, reason: str, *, temporary: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.temporary = temporary
        self.retry_after = retry_after


class Stopped(SourceError):
    """The client was stopped before this address was fetched."""

    code = "stopped"


class WebClient:
    """A connection pool for up to `workers` threads; use it in a `with` block.

    A server learns the `purpose` of the requests; redirects are followed to `trusted` hosts, too. A temporary failure is
    retried, and a `Retry-After` delays all threads, not only the one that received it. Requests begin `pause` seconds
    apart at least. How often and after how many seconds a request is tried again is as in `retries`, unless given.

    With `public_only`, addresses come from strangers: nothing is sent to a private address, unless its server (`origin`)
    is one of `own`. Redirects may then lead to any other server, and no proxy is used, as it would look up the names.
    """

    def __init__(
        self,
        *,
        workers: int,
        purpose: str,
        trusted: Sequence[str] = (),
        retries: int | None = None,
        retry_wait: float | None = None,
        pause: float = 0.0,
        public_only: bool = False,
        own: Collection[str] = (),
    ) -> None:
        self._trusted = trusted
        self._public_only, self._own = public_only, own
        self._pause = pause
        self._next_turn = 0.0  # time.monotonic(); no request begins before
        self._retries = RETRIES if retries is None else retries
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._blocked_until = 0.0  # time.monotonic(); the server allows no request before
        self._retrying = retrying(_is_worth_a_retry, retries=self._retries, first_wait=retry_wait, sleep=self._wait)
        self._client = httpx.Client(
            headers={
                "User-Agent": f"artsim/{VERSION} ({purpose}; at most {workers} requests at once)",
                "Accept-Encoding": "gzip",
            },
            timeout=TIMEOUT_S,
            limits=httpx.Limits(max_connections=workers),
            follow_redirects=False,
            trust_env=not public_only,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def stop(self) -> None:
        """Wake all waiting threads and start no further requests."""
        self._stopping.set()

    def download(self, url: str, into: BinaryIO, *, max_bytes: int, max_seconds: float) -> None:
        """Write the content of `url` to `into`, from its start; each attempt may take `max_seconds`.

        Raises `FetchError` with a reason fit for a report, or `Stopped`.
        """
        try:
            self._retrying(self._attempt, url, into, max_bytes, max_seconds)
        except FetchError as error:
            if not _is_worth_a_retry(error):
                raise
            raise FetchError(f"{error}, {self._retries + 1} times", temporary=True) from None

    def _wait_turn(self) -> None:
        while (remaining := self._blocked_until - time.monotonic()) > 0:  # other threads may extend it meanwhile
            self._wait(remaining)
        with self._lock:
            turn = max(time.monotonic(), self._next_turn)
            self._next_turn = turn + self._pause
        self._wait(turn - time.monotonic())

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped("stopped before it was fetched")

    def _attempt(self, url: str, into: BinaryIO, max_bytes: int, max_seconds: float) -> None:
        self._wait_turn()
        into.seek(0)
        into.truncate()
        deadline = time.monotonic() + max_seconds
        address = parse(url)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                guard = {"trace": _refuse_private} if self._public_only and origin(address) not in self._own else {}
                with self._client.stream("GET", address, extensions=guard) as response:
                    if not response.has_redirect_location:
                        self._check_status(response)
                        _copy(response, into, max_bytes, deadline)
                        return
                    address = self._redirected(address, response.headers["Location"])
        except httpx.RequestError as error:
            reason = str(error) or type(error).__name__
            raise FetchError(f"no complete response from {address.host} ({reason})", temporary=True) from error
        except (UnicodeError, OverflowError) as error:  # a host name or port that no address can have
            raise FetchError(f"'{url[:200]}' is not a web address ({error})") from error
        raise FetchError(f"redirected more than {MAX_REDIRECTS} times")

    def _redirected(self, old: httpx.URL, location: str) -> httpx.URL:
        try:
            new = parse(str(old.join(location)))
        except httpx.InvalidURL:
            raise FetchError(f"redirected to '{location[:200]}', which is not a web address") from None
        same_server = (new.scheme, new.host, new.port) == (old.scheme, old.host, old.port)
        upgraded = new.scheme == "https" and new.host == old.host
        if not (self._public_only or same_server or upgraded or is_trusted(new, self._trusted)):
            raise FetchError(f"redirected to another server, {new.scheme}://{new.host}, which is not followed")
        return new

    def _check_status(self, response: httpx.Response) -> None:
        """Raises `FetchError` unless it is 200, and keeps all threads from asking again before `Retry-After`."""
        code = response.status_code
        if code == 200:
            return
        reason = f"the server answered {code} {response.reason_phrase}".rstrip()
        wait = (retry_after(response.headers.get("Retry-After")) or 0.0) if code in (429, 503) else 0.0
        if wait > LONGEST_WAIT_S:
            reason += f", asking to wait {wait:.0f} s"
        else:
            with self._lock:
                self._blocked_until = max(self._blocked_until, time.monotonic() + wait)
        raise FetchError(reason, temporary=code in TEMPORARY, retry_after=wait)


def parse(url: str) -> httpx.URL:
    """Parse `url` as an http or https address with a host. Raises `FetchError`."""
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(f"'{url[:200]}' is not a web address ({error})") from None
    if address.scheme not in ("http", "https") or not address.host or address.userinfo:
        raise FetchError(f"'{url[:200]}' is not a plain http or https address")
    return address


def is_address(text: Any) -> bool:
    """Whether something begins like an address of the web."""
    return isinstance(text, str) and text[:8].lower().startswith(("http://", "https://"))


def origin(address: httpx.URL) -> str:
    """The server of an address: scheme, host and port."""
    port = address.port or {"http": 80, "https": 443}.get(address.scheme)
    return f"{address.scheme}://{address.host.lower()}:{port}"


def is_trusted(address: httpx.URL, hosts: Sequence[str]) -> bool:
    """Whether an address that no user typed may be fetched: one of `hosts` or of their subdomains, over https."""
    host = address.host.lower()
    return address.scheme == "https" and any(host == name or host.endswith(f".{name}") for name in hosts)


def is_this_machine(address: httpx.URL) -> bool:
    """Whether the host is this machine: `localhost`, 127.0.0.1, ::1."""
    try:
        return address.host == "localhost" or ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return False


def is_public(host: str) -> bool:
    """Whether an IP address is one of the internet, and not of a private network, this machine or a group of machines."""
    address = ipaddress.ip_address(host.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_global and not address.is_multicast


def _refuse_private(event: str, info: Mapping[str, Any]) -> None:
    """Called by httpx at each step of a request. Closes a new connection to a private address before anything is sent.

    The address is the one that is connected to, so it does not matter what the name resolves to a moment later.
    """
    if event != "connection.connect_tcp.complete":
        return
    stream = info["return_value"]
    try:
        host = stream.get_extra_info("server_addr")[0]
    except OSError as error:  # it is closed already
        raise FetchError(f"the connection was closed ({error.strerror})", temporary=True) from error
    if not is_public(host):
        stream.close()
        raise FetchError(f"{host} is an address of a private network, where nothing is fetched")


def _is_worth_a_retry(error: BaseException) -> bool:
    return isinstance(error, FetchError) and error.temporary and error.retry_after <= LONGEST_WAIT_S


def _copy(response: httpx.Response, into: BinaryIO, max_bytes: int, deadline: float) -> None:
    size = 0
    for chunk in response.iter_bytes(65_536):
        size += len(chunk)
        if size > max_bytes:
            raise FetchError(f"the response is larger than {max_bytes / 1e6:.0f} MB")
        if time.monotonic() > deadline:
            raise FetchError("the response is too slow", temporary=True)
        into.write(chunk)
