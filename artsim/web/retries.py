"""How often, and after which pauses, a request is sent again: one policy for museums and the Hub."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

RETRIES = 5
FIRST_WAIT_S = 1.0  # then twice that, and so on, each a little longer by chance
LONGEST_WAIT_S = 120.0


def retrying(
    is_temporary: Callable[[BaseException], bool],
    *,
    retries: int | None = None,
    first_wait: float | None = None,
    asked_wait: Callable[[BaseException], float | None] = lambda error: None,
    before_sleep: Callable[[RetryCallState], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Retrying:
    """Calls a function again while `is_temporary(error)`; `asked_wait(error)` is how many seconds the server asks for.

    Raises the last error as it is.
    """
    first_wait = FIRST_WAIT_S if first_wait is None else first_wait
    growing = wait_exponential_jitter(initial=first_wait, max=LONGEST_WAIT_S, jitter=first_wait)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = None if error is None else asked_wait(error)
        return growing(state) if asked is None else min(asked, LONGEST_WAIT_S)

    return Retrying(
        retry=retry_if_exception(is_temporary),
        stop=stop_after_attempt(1 + (RETRIES if retries is None else retries)),
        wait=wait,
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )


def retry_after(header: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date; None if absent or invalid."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
