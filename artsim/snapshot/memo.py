"""What searches have computed of a space, kept for the next ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_KEPT = 64
T = TypeVar("T")


class Memo:
    """Results by key; the least recently used of many are forgotten, those that are `lasting` never. Threads may share it."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}
        self._lasting: dict[Hashable, Any] = {}

    def kept(self, key: Hashable, compute: Callable[[], T], *, lasting: bool = False) -> T:
        """What `compute` returned for this key, or returns now; not None."""
        results = self._lasting if lasting else self._found
        found = results.pop(key, None)
        if found is None:
            found = compute()
            for oldest in list(results)[: 0 if lasting or len(results) < _KEPT else _KEPT // 2]:
                results.pop(oldest, None)
        results[key] = found  # the last used stands last
        return found
