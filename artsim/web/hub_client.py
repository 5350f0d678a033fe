"""Calls to the Hub: transient failures are retried after growing pauses, others become one `HubError`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from artsim.errors import HubError
from artsim.messages.message import Message

TRANSIENT = frozenset({408, 409, 412, 429, 500, 502, 503, 504})
"""HTTP status codes of transient failures: the Hub is busy or briefly unavailable, or another commit came first."""

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each retry; then the error is raised
_LONGEST_PAUSE = 120.0  # upper limit for the Retry-After of the Hub

T = TypeVar("T")

log = logging.getLogger(__name__)


def hub_errors(*extra: type[Exception]) -> tuple[type[Exception], ...]:
    """Exceptions of `huggingface_hub` and its HTTP library when the Hub refuses or does not answer, and `extra` ones."""
    from huggingface_hub.errors import HTTPError, RevisionResolutionError

    return (HTTPError, OSError, RevisionResolutionError, *extra)


def is_transient(error: Exception) -> bool:
    """Whether a retry may help: no response, an interrupted upload, or a status in `TRANSIENT`."""
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RevisionResolutionError,
    )

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in TRANSIENT
    if isinstance(error, OfflineModeIsEnabled):
        return False
    if isinstance(error, (LocalEntryNotFoundError, RevisionResolutionError)):  # the cause says why nothing was fetched
        return isinstance(error.__cause__, Exception) and is_transient(error.__cause__)
    if isinstance(error, OSError) and "Consistency check failed" in str(error):  # an incomplete download
        return True
    # the client raises RuntimeError when the upload of a file is interrupted
    return isinstance(error, (HTTPError, ConnectionError, TimeoutError, RuntimeError))


def pause(error: Exception, seconds: float) -> None:
    """Wait `seconds`, or as long as the Hub's Retry-After says."""
    retry_after = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
    if retry_after.isdecimal():
        seconds = min(float(retry_after), _LONGEST_PAUSE)
    reason = _reason(error)
    log.info("%s Trying again in %.3g s.", reason[0].upper() + reason[1:], seconds)
    time.sleep(seconds)


def with_retries(call: Callable[[], T], what: str) -> T:
    """Return `call()`, retried after transient failures. `HubError` about `what`, such as "asking for NS/NAME"."""
    with _converting_errors(what):
        for seconds in PAUSES:
            try:
                return call()
            except hub_errors() as error:
                if not is_transient(error):
                    raise
                pause(error, seconds)
        return call()


@contextmanager
def _converting_errors(what: str) -> Iterator[None]:
    """Errors of the Hub's client inside this block become a `HubError` about `what`."""
    try:
        yield
    except hub_errors() as error:
        raise HubError(error_message(error, what)) from error


def error_message(error: Exception, what: str) -> Message:
    """The message of an error: what failed, why, and what to do."""
    from huggingface_hub import errors

    what = what if what[0].isupper() else what[0].upper() + what[1:]
    if isinstance(error, errors.OfflineModeIsEnabled) or isinstance(error.__cause__, errors.OfflineModeIsEnabled):
        return Message(
            "{what} failed: it is not in the cache, and the Hub is switched off here (HF_HUB_OFFLINE is set).",
            what=what,
        )
    if isinstance(error, errors.GatedRepoError):
        return Message(
            "{what} failed: the repository is gated. Request access on its page, then log in with: hf auth login",
            what=what,
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return Message(
            "{what} failed: the Hub has no such repository, or it is private. Check the name; for a private one, log in "
            "with: hf auth login",
            what=what,
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return Message(
            "{what} failed: there is no such revision. Give a branch, a tag or a whole commit id.", what=what
        )
    if isinstance(error, errors.HfHubHTTPError):
        if error.response.status_code in TRANSIENT:
            return Message("{what} failed: {reason} Try again later.", what=what, reason=_reason(error))
        return Message("{what} failed: {reason}", what=what, reason=_reason(error))
    return Message(
        "{what} failed: {reason} Check the connection, then run it again: finished parts are kept.",
        what=what,
        reason=_reason(error),
    )


def _reason(error: Exception) -> Message:
    """The response of the Hub, or why there is none, as a clause."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    if isinstance(error, HfHubHTTPError):
        words = error.server_message or error.response.headers.get("X-Error-Message") or error.response.reason_phrase
        status, words = error.response.status_code, " ".join(words.split())[:200]
        return Message("the Hub answered {status} ({words}).", status=status, words=words)
    if isinstance(error, HTTPError):
        return Message("the Hub does not answer ({error}).", error=type(error).__name__)
    if isinstance(error.__cause__, Exception):
        return _reason(error.__cause__)
    return Message("{reason}.", reason=" ".join(str(error).split())[:300])
