"""Seats: searches and what else embeds pictures run a few at a time, each within a deadline.

A call that takes too long is abandoned: its caller gets a `BusyError`, and the next call its seat. Its thread cannot be ended,
so of those only a few are replaced; when they are more, `/readyz` says so, and a supervisor may start the app anew.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from artsim.errors import BusyError

SEATS = 4
MOST_WAITING = 32
SECONDS = 30.0
"""From the request on, waiting included. A search takes less than one."""
RETRY_AFTER = 5  # seconds
_MOST_ABANDONED = 8  # threads that are replaced

T = TypeVar("T")
log = logging.getLogger(__name__)
_seated = contextvars.ContextVar("seated", default=False)


class Seats:
    """Thread-safe."""

    def __init__(self, seats: int = SEATS, *, waiting: int = MOST_WAITING, seconds: float = SECONDS) -> None:
        self._free, self._most_waiting, self._seconds = seats, waiting, seconds
        self._abandoned = 0
        self._waiting: deque[_Call] = deque()
        self._lock = threading.Lock()

    @property
    def are_taken(self) -> bool:
        """Whether a call would have to wait."""
        return self._free == 0

    @property
    def are_full(self) -> bool:
        """Whether a call would be refused."""
        return self._free == 0 and len(self._waiting) >= self._most_waiting

    @staticmethod
    def busy() -> BusyError:
        """The error of a call that is refused."""
        return BusyError("The app is busy. Try again in {seconds} s.", seconds=RETRY_AFTER)

    def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, or raises. Raises `BusyError` if too many calls wait, or if it takes too long.

        Within a call that has a seat, `work` just runs.
        """
        if _seated.get():
            return work()
        call = _Call(work)
        self._begin(call)
        try:
            return call.future.result(self._seconds)
        except TimeoutError:
            if call.future.done():  # in the last moment, or the exception is its own
                return call.future.result()
            raise self._abandon(call) from None

    async def run_async(self, work: Callable[[], T]) -> T:
        """The same, for the event loop: waiting takes no thread."""
        call = _Call(work)
        self._begin(call)
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(call.future)), self._seconds)
        except TimeoutError:
            if call.future.done():  # in the last moment, or the exception is its own
                return call.future.result()
            raise self._abandon(call) from None

    def _begin(self, call: _Call) -> None:
        with self._lock:
            if self.are_full:
                raise self.busy()
            if self._free == 0:
                self._waiting.append(call)
                return
            self._free -= 1
        self._seat(call)

    def _seat(self, call: _Call) -> None:
        threading.Thread(target=self._serve, args=(call,), name="seat", daemon=True).start()

    def _serve(self, call: _Call | None) -> None:
        """Run calls, as long as some wait."""
        while call is not None:
            call.run()
            with self._lock:
                if call.is_abandoned:
                    self._abandoned -= 1
                    if call.is_replaced:
                        return
                call = self._next()

    def _next(self) -> _Call | None:
        """The call that a seat goes to; None if it stays free. Call with the lock."""
        if self._waiting:
            return self._waiting.popleft()
        self._free += 1
        return None

    def _abandon(self, call: _Call) -> BusyError:
        following = None
        with self._lock:
            if call in self._waiting:
                self._waiting.remove(call)
            elif not call.future.done():
                log.error("A search took more than %g s and is abandoned.", self._seconds)
                call.is_abandoned, call.is_replaced = True, self._abandoned < _MOST_ABANDONED
                self._abandoned += 1
                following = self._next() if call.is_replaced else None
        if following is not None:
            self._seat(following)
        return BusyError("The answer took too long. Try again in {seconds} s.", seconds=RETRY_AFTER)


class _Call:
    """One piece of work, in the context of who asked for it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work, self._context = work, contextvars.copy_context()
        self.future: Future[Any] = Future()
        self.is_abandoned = self.is_replaced = False

    def run(self) -> None:
        try:
            result = self._context.run(self._seated_work)
        except BaseException as error:  # noqa: BLE001  # for the caller
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def _seated_work(self) -> Any:
        _seated.set(True)
        return self._work()
