"""Talking to the Hub: what passes is tried again after growing pauses; what does not becomes one sentence."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from artsim.errors import HubError
from artsim.messages.message import Message

PASSING = frozenset({408, 409, 412, 429, 500, 502, 503, 504})
"""HTTP answers that another try may change: the Hub is busy, away for a moment, or somebody else was faster."""

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each further try; then it is told
_LONGEST_PAUSE = 120.0  # of those that the Hub asks for by Retry-After

T = TypeVar("T")

log = logging.getLogger(__name__)


def hub_errors(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """What `huggingface_hub` raises when the Hub refuses or does not answer, its HTTP library's errors included."""
    from huggingface_hub.errors import HTTPError, RevisionResolutionError

    return (HTTPError, OSError, RevisionResolutionError, *more)


def is_passing(error: Exception) -> bool:
    """Whether trying again may help: no answer at all, an upload that broke off, or one of `PASSING`."""
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RevisionResolutionError,
    )

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in PASSING
    if isinstance(error, OfflineModeIsEnabled):
        return False
    if isinstance(error, (LocalEntryNotFoundError, RevisionResolutionError)):  # not in the cache; the cause is why not
        return isinstance(error.__cause__, Exception) and is_passing(error.__cause__)
    if isinstance(error, OSError) and "Consistency check failed" in str(error):  # a download that came incomplete
        return True
    # RuntimeError is how the client says that the upload of a file broke off
    return isinstance(error, (HTTPError, ConnectionError, TimeoutError, RuntimeError))


def pause(error: Exception, seconds: float) -> None:
    """Wait `seconds`, or as long as the Hub asks for."""
    asked = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
    if asked.isdecimal():
        seconds = min(float(asked), _LONGEST_PAUSE)
    said = _said(error)
    log.info("%s Trying again in %.3g s.", said[0].upper() + said[1:], seconds)
    time.sleep(seconds)


def patiently(call: Callable[[], T], what: str) -> T:
    """What `call()` returns, after further tries if need be. `HubError` about `what`, such as "asking for NS/NAME"."""
    with speaking_of(what):
        for seconds in PAUSES:
            try:
                return call()
            except hub_errors() as error:
                if not is_passing(error):
                    raise
                pause(error, seconds)
        return call()


@contextmanager
def speaking_of(what: str) -> Iterator[None]:
    """Errors of the Hub's client leave this block as a `HubError` about `what`."""
    try:
        yield
    except hub_errors() as error:
        raise HubError(sentence(error, what)) from error


def sentence(error: Exception, what: str) -> Message:
    """One sentence for people: what failed, why, and what to do."""
    from huggingface_hub import errors

    what = what if what[0].isupper() else what[0].upper() + what[1:]
    if isinstance(error, errors.OfflineModeIsEnabled) or isinstance(error.__cause__, errors.OfflineModeIsEnabled):
        return Message(
            "{what} needs the Hub, which is switched off here (HF_HUB_OFFLINE is set), as it is not in the cache.",
            what=what,
        )
    if isinstance(error, errors.GatedRepoError):
        return Message(
            "{what} failed: its owner lets in only those who ask. Ask on its page, then log in with: hf auth login",
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
        if error.response.status_code in PASSING:
            return Message("{what} failed: {reason} Try again later.", what=what, reason=_said(error))
        return Message("{what} failed: {reason}", what=what, reason=_said(error))
    return Message(
        "{what} failed: {reason} Check the connection, then run it again: what was done is kept.",
        what=what,
        reason=_said(error),
    )


def _said(error: Exception) -> Message:
    """What the Hub answered, as a clause."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    if isinstance(error, HfHubHTTPError):
        words = error.server_message or error.response.headers.get("X-Error-Message") or error.response.reason_phrase
        status, words = error.response.status_code, " ".join(words.split())[:200]
        return Message("the Hub answered {status} ({words}).", status=status, words=words)
    if isinstance(error, HTTPError):
        return Message("the Hub does not answer ({error}).", error=type(error).__name__)
    if isinstance(error.__cause__, Exception):
        return _said(error.__cause__)
    return Message("{reason}.", reason=" ".join(str(error).split())[:300])
