"""Calls to the Hub: transient failures are retried, others become one `HubError` (or a source's `SourceError`)."""

from __future__ import annotations

import contextvars
import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from tenacity import RetryCallState

from artsim.errors import ArtsimError, HubError
from artsim.messages.message import Message
from artsim.web.retries import retry_after, retrying

TRANSIENT = frozenset({408, 409, 412, 429, 500, 502, 503, 504})
"""HTTP status codes of transient failures: the Hub is busy or briefly unavailable, or another commit came first."""

WITHIN = "hub-deadline"
"""The name of threads that `within` starts."""

T = TypeVar("T")

log = logging.getLogger(__name__)


def _hub_errors() -> tuple[type[Exception], ...]:
    """Exceptions of `huggingface_hub` and its HTTP library when the Hub refuses or does not answer."""
    from huggingface_hub.errors import HTTPError, RevisionResolutionError

    return (HTTPError, OSError, RevisionResolutionError)


def _is_transient(error: BaseException) -> bool:
    """Whether a retry may help: no response, an incomplete one, or a status in `TRANSIENT`."""
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
        return error.__cause__ is not None and _is_transient(error.__cause__)
    if isinstance(error, OSError) and "Consistency check failed" in str(error):  # an incomplete download
        return True
    return isinstance(error, (HTTPError, ConnectionError, TimeoutError))


def with_retries(call: Callable[[], T], what: str, into: type[ArtsimError] = HubError) -> T:
    """Return `call()`, retried after transient failures. An error about `what`, such as "asking for NS/NAME"."""
    with converting_errors(what, into):
        return retrying(_is_transient, asked_wait=_asked_wait, before_sleep=_log_retry)(call)


def within(seconds: float, call: Callable[[], T], what: str) -> T:
    """Return `call()`; `HubError` about `what` if it takes longer. What hangs is left to itself, in a thread of its own.

    A Hub that sends a byte now and then keeps every other deadline.
    """
    answer: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answer.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            answer.put((None, error))

    context = contextvars.copy_context()  # with the token in use
    threading.Thread(target=context.run, args=(run,), name=WITHIN, daemon=True).start()
    try:
        value, error = answer.get(timeout=seconds)
    except queue.Empty:
        raise HubError(
            "{what} failed: the Hub has not answered within {seconds:.0f} s. Check the connection, or try again later.",
            what=what[0].upper() + what[1:],
            seconds=seconds,
        ) from None
    if error is not None:
        raise error
    return cast(T, value)


@contextmanager
def converting_errors(what: str, into: type[ArtsimError] = HubError) -> Iterator[None]:
    """Errors of the Hub's client inside this block become an error about `what`."""
    try:
        yield
    except _hub_errors() as error:
        raise into(_error_message(error, what)) from error
    except json.JSONDecodeError as error:
        problem = Message(
            "{what} failed: what answers is not the Hub. Check the connection: some networks ask you to log in first.",
            what=what[0].upper() + what[1:],
        )
        raise into(problem) from error


def _asked_wait(error: BaseException) -> float | None:
    """The Retry-After of the Hub, in seconds."""
    return retry_after(getattr(getattr(error, "response", None), "headers", {}).get("Retry-After"))


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Exception) and state.next_action:
        reason = _reason(error)
        log.info("%s Trying again in %.3g s.", reason[0].upper() + reason[1:], state.next_action.sleep)


def _error_message(error: Exception, what: str) -> Message:
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
