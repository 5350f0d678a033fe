"""Slows down who guesses the owner's secret."""

from __future__ import annotations

import threading
from collections import OrderedDict
from time import monotonic

_FREE = 5  # wrong secrets in a row that cost nothing: people mistype
_LONGEST = 60.0  # seconds
_MOST_KNOWN = 1000  # addresses that are remembered, those of the latest attempts


class LoginPace:
    """Wrong secrets in a row, by the address that they came from: after a few, each doubles the time until the next attempt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def seconds_to_wait(self, address: str) -> int:
        """0 if this address may try now."""
        with self._lock:
            wrong, last = self._wrong.get(address, (0, 0.0))
            pause = 0.0 if wrong < _FREE else min(2.0 ** (wrong - _FREE), _LONGEST)
            left = last + pause - monotonic()
            return int(left) + 1 if left > 0 else 0

    def note(self, address: str, *, right: bool) -> None:
        """Remember the outcome of an attempt."""
        with self._lock:
            wrong, _ = self._wrong.pop(address, (0, 0.0))
            if not right:
                self._wrong[address] = (wrong + 1, monotonic())
                while len(self._wrong) > _MOST_KNOWN:
                    self._wrong.popitem(last=False)
