"""How concurrent queries share the encoder: a picture that several ask for is embedded once, those that wait are one batch.

On two cores, one call for several pictures takes less time than as many calls at once. Whoever waits does so for a limited
time: another call may hang.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import Generic, TypeVar

from PIL import Image

PATIENCE = 10.0
"""Seconds that a call waits for another one before it does the work itself."""
MOST = 16
"""Pictures of one batch."""

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Of calls with the same key at the same time, the first computes; the others take its result, or its error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[Result]] = {}

    def run(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        lost: Future[Result] | None = None
        while True:
            with self._lock:
                running = self._running.get(key)
                if running is None or running is lost:  # the latter takes too long
                    mine = self._running[key] = Future()
                    break
            wait([running], PATIENCE)
            if running.done():
                return running.result()
            lost = running
        try:
            result = compute()
            mine.set_result(result)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                if self._running.get(key) is mine:
                    del self._running[key]
        return result


class Batches(Generic[Result]):
    """Embeds pictures of concurrent calls together: those that come while a batch runs are the next one.

    `embed_pictures` returns a result for each picture. Of a batch that fails, each picture is embedded alone, so that none
    fails because of another.
    """

    def __init__(self, embed_pictures: Callable[[Sequence[Image.Image]], Sequence[Result]]) -> None:
        self._embed_pictures = embed_pictures
        self._changed = threading.Condition()
        self._waiting: list[_Item[Result]] = []
        self._leader: object | None = None
        """The call that runs a batch now."""

    def embed(self, picture: Image.Image) -> Result:
        item = _Item[Result](picture)
        with self._changed:
            self._waiting.append(item)
        while not item.done():
            with self._changed:
                leader = self._leader
                if leader is not None:
                    self._changed.wait_for(partial(self._goes_on, item, leader), PATIENCE)
                if item.done() or self._leader is not leader:  # `leader` may be None, and still there
                    continue
                self._leader = item  # there was none, or it takes too long
                if item not in self._waiting:  # but in its batch
                    self._waiting.insert(0, item)
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                self._run(batch)
            finally:
                with self._changed:
                    self._waiting[:0] = [left for left in batch if not left.done()]
                    if self._leader is item:
                        self._leader = None
                    self._changed.notify_all()
        return item.result()

    def _goes_on(self, item: _Item[Result], leader: object) -> bool:
        """Whether the batch that `leader` runs is over, or `item` has its result."""
        return item.done() or self._leader is not leader

    def _run(self, batch: Sequence[_Item[Result]]) -> None:
        try:
            results = self._embed_pictures([item.picture for item in batch])
        except Exception as error:  # noqa: BLE001 - raised by `result`, in the call that it belongs to
            if len(batch) > 1:
                for item in batch:
                    self._run([item])
            elif not batch[0].done():
                batch[0].set_exception(error)
            return
        for item, result in zip(batch, results, strict=True):
            if not item.done():
                item.set_result(result)


class _Item(Future[Result]):
    """A picture that waits for its result."""

    def __init__(self, picture: Image.Image) -> None:
        super().__init__()
        self.picture = picture
