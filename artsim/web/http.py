"""HTTP client for third-party servers: few requests at once, retries that honour `Retry-After`, bounded responses.

Trusted hosts are the museum and GitHub over https, and any base address that the user gave. Redirects to other hosts
are not followed, and no response is read beyond the size that its caller allows.
"""

from __future__ import annotations

import ipaddress
import random
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO, Self

import httpx

from artsim.errors import SourceError
from artsim.version import VERSION

TRUSTED_HOSTS = ("nga.gov", "githubusercontent.com")
TIMEOUT_S = 30.0  # to connect, and between two chunks of a response
LONGEST_WAIT_S = 120.0  # no retry when the server asks for a longer wait
MAX_REDIRECTS = 3
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


class FetchError(SourceError):
    """An address could not be fetched. `temporary`: the server or the connection failed, so a retry may succeed."""

    code = "fetch"

    def __init__(self, reason: str, *, temporary: bool = False, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.temporary = temporary
        self.retry_after = retry_after


class Stopped(SourceError):
    """The client was stopped before this address was fetched."""

    code = "stopped"


class WebClient:
    """A connection pool for up to `workers` threads; use it in a `with` block.

    A temporary failure is retried up to `retries` times, after `retry_wait` seconds, then twice that, and so on, each
    with jitter. A `Retry-After` delays all threads, not only the one that received it.
    """

    def __init__(self, *, workers: int, retries: int = 4, retry_wait: float = 1.0) -> None:
        self._retries = retries
        self._retry_wait = retry_wait
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._blocked_until = 0.0  # time.monotonic(); the server allows no request before
        purpose = f"prepares the National Gallery of Art's open data; at most {workers} requests at once"
        self._client = httpx.Client(
            headers={"User-Agent": f"artsim/{VERSION} ({purpose})", "Accept-Encoding": "gzip"},
            timeout=TIMEOUT_S,
            limits=httpx.Limits(max_connections=workers),
            follow_redirects=False,
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
        for attempt in range(1, self._retries + 2):
            self._wait_turn()
            into.seek(0)
            into.truncate()
            try:
                self._attempt(url, into, max_bytes, time.monotonic() + max_seconds)
                return
            except FetchError as error:
                if not error.temporary:
                    raise
                if attempt > self._retries:
                    raise FetchError(f"{error}, {attempt} times", temporary=True) from None
                self._wait(self._pause_after(error, attempt))

    def _pause_after(self, error: FetchError, attempt: int) -> float:
        """Seconds to wait before the next attempt. Raises `FetchError` when `Retry-After` is too long."""
        if error.retry_after is None:
            return min(LONGEST_WAIT_S, self._retry_wait * 2 ** (attempt - 1)) * random.uniform(0.5, 1.5)
        if error.retry_after > LONGEST_WAIT_S:
            raise FetchError(f"{error}, asking to wait {error.retry_after:.0f} s", temporary=True) from None
        with self._lock:
            self._blocked_until = max(self._blocked_until, time.monotonic() + error.retry_after)
        return error.retry_after + random.uniform(0, self._retry_wait)

    def _wait_turn(self) -> None:
        while (remaining := self._blocked_until - time.monotonic()) > 0:  # other threads may extend it meanwhile
            self._wait(remaining)
        self._wait(0)

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped("stopped before it was fetched")

    def _attempt(self, url: str, into: BinaryIO, max_bytes: int, deadline: float) -> None:
        address = parse(url)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                with self._client.stream("GET", address) as response:
                    if not response.has_redirect_location:
                        _check_status(response)
                        _copy(response, into, max_bytes, deadline)
                        return
                    address = _redirected(address, response.headers["Location"])
        except httpx.RequestError as error:
            reason = str(error) or type(error).__name__
            raise FetchError(f"no complete response from {address.host} ({reason})", temporary=True) from error
        raise FetchError(f"redirected more than {MAX_REDIRECTS} times")


def parse(url: str) -> httpx.URL:
    """Parse `url` as an http or https address with a host. Raises `FetchError`."""
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(f"'{url[:200]}' is not a web address ({error})") from None
    if address.scheme not in ("http", "https") or not address.host or address.userinfo:
        raise FetchError(f"'{url[:200]}' is not a plain http or https address")
    return address


def is_trusted(address: httpx.URL) -> bool:
    """Whether an address that no user typed may be fetched: the museum or GitHub, over https."""
    host = address.host.lower()
    return address.scheme == "https" and any(host == name or host.endswith(f".{name}") for name in TRUSTED_HOSTS)


def is_this_machine(address: httpx.URL) -> bool:
    """Whether the host is this machine: `localhost`, 127.0.0.1, ::1."""
    try:
        return address.host == "localhost" or ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return False


def _redirected(old: httpx.URL, location: str) -> httpx.URL:
    try:
        new = parse(str(old.join(location)))
    except httpx.InvalidURL:
        raise FetchError(f"redirected to '{location[:200]}', which is not a web address") from None
    same_server = (new.scheme, new.host, new.port) == (old.scheme, old.host, old.port)
    upgraded = new.scheme == "https" and new.host == old.host
    if not (same_server or upgraded or is_trusted(new)):
        raise FetchError(f"redirected to another server, {new.scheme}://{new.host}, which is not followed")
    return new


def _check_status(response: httpx.Response) -> None:
    code = response.status_code
    if code == 200:
        return
    reason = f"the server answered {code} {response.reason_phrase}".rstrip()
    wait = _retry_after(response.headers.get("Retry-After")) if code in (429, 503) else None
    raise FetchError(reason, temporary=code in TEMPORARY, retry_after=wait)


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date; None if absent or invalid."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _copy(response: httpx.Response, into: BinaryIO, max_bytes: int, deadline: float) -> None:
    size = 0
    for chunk in response.iter_bytes(65_536):
        size += len(chunk)
        if size > max_bytes:
            raise FetchError(f"the response is larger than {max_bytes / 1e6:.0f} MB")
        if time.monotonic() > deadline:
            raise FetchError("the response is too slow", temporary=True)
        into.write(chunk)
