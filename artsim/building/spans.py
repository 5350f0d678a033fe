"""Rows of a source that are embedded together, as a shard: which ones, and what their folder is called."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_FEWEST = 64  # shards of a source, if each has more than one batch
_MOST_BATCHES = 16  # of a shard: what is lost when a worker dies
_FOLDER = re.compile(r"\.?(\d+)-(\d+)(\.\w+)?")


@dataclass(frozen=True, order=True)
class Span:
    """The rows `first` to `last` of a source, without that one."""

    first: int
    last: int

    @property
    def rows(self) -> int:
        return self.last - self.first

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.first:012d}-{self.last:012d}"

    def unfinished(self, attempt: str) -> str:
        """The name of the folder that one attempt to embed it writes into."""
        return f".{self.name}.{attempt}"


def span_of(folder: str) -> Span | None:
    """The span that a folder is named after, finished or not; None for other names."""
    found = _FOLDER.fullmatch(folder)
    return Span(int(found[1]), int(found[2])) if found else None


def shard_size(total: int | None, batch: int) -> int:
    """How many works a shard has, in whole batches of `batch`, if a source has `total` works (None: nobody knows)."""
    if total is None:
        return batch * _MOST_BATCHES
    return batch * max(1, min(_MOST_BATCHES, total // (batch * _FEWEST)))


def plan(first: int, limit: int | None, size: int, finished: Iterable[Span]) -> Iterator[Span]:
    """Spans of `size` rows at most, one after the other, from row `first` to `limit`, or without end.

    Those that are `finished` already are among them, where they begin behind the last one.
    """
    for ready in sorted(span for span in finished if limit is None or span.last <= limit):
        while first < ready.first:
            yield (span := Span(first, min(first + size, ready.first)))
            first = span.last
        if first == ready.first:
            yield ready
            first = ready.last
    for start in itertools.count(first, size):
        if limit is not None and start >= limit:
            return
        yield Span(start, start + size if limit is None else min(start + size, limit))
