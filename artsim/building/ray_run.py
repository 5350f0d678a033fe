"""One run of a build on Ray: hands spans to workers, takes their shards over in order, and replaces workers that die."""

from __future__ import annotations

import itertools
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any

from artsim.building.checkpoint import BuildProgress
from artsim.building.preparation import Build, works_of
from artsim.building.ray_worker import ReadWork, read_works
from artsim.building.shards import finished_spans, read_shard, take_over
from artsim.building.spans import Span
from artsim.errors import ArtsimError, CollectionError
from artsim.messages.progress import Progress

_TRIES = 3  # for a span whose workers die

log = logging.getLogger(__name__)


class RayRun:
    """Embeds `spans`, in the order of the source, with actors that `start_worker` makes. The first short span is the last one."""

    def __init__(
        self,
        ray: Any,
        build: Build,
        done: BuildProgress,
        spans: Iterator[Span],
        start_worker: Callable[[], Any],
        progress: Progress,
    ) -> None:
        self._ray, self._build, self._done, self._start_worker = ray, build, done, start_worker
        self._progress = progress
        self._seen = build.checkpoint.ids(done)
        self._finished = set(finished_spans(build.checkpoint))
        self._spans = spans
        self._again: deque[Span] = deque()
        """Spans whose workers have died."""
        self._tries: Counter[Span] = Counter()
        self._idle: list[Any] = []
        self._running: dict[Any, tuple[Any, Span]] = {}
        """Ref of a call -> the worker, and what it embeds."""
        self._order: deque[Span] = deque()
        """All spans that are begun and not taken over."""
        self._shards: dict[Span, BuildProgress] = {}
        """Those of them that are embedded."""
        self._reader = _Reader(build) if build.source.reopen is None else None
        self._sent: dict[Span, Any] = {}
        """Spans that are running -> the ref of their works, where one reader reads them."""

    def embed(self, count: int) -> None:
        """Embed all with so many workers. Raises as `Engine.embed_all` does."""
        self._idle = [self._start_worker() for _ in range(count)]
        try:
            while not self._take_over():
                self._assign()
                if self._running:
                    self._wait()
        finally:
            for worker in [*self._idle, *(worker for worker, _ in self._running.values())]:
                self._ray.kill(worker)

    def _take_over(self) -> bool:
        """Take over the shards that are next in order; whether the last one is among them."""
        while self._order and (shard := self._shards.pop(self._order[0], None)) is not None:
            span = self._order.popleft()
            if shard.consumed:
                take_over(self._build, self._done, span, shard, self._seen)
                self._progress(self._done.consumed, self._build.total)
            if shard.consumed < span.rows:
                return True
        limit = self._build.options.limit
        return limit is not None and self._done.consumed >= limit

    def _assign(self) -> None:
        """Give each idle worker a span."""
        while self._idle and (span := self._next_span()) is not None:
            worker = self._idle.pop()
            self._running[worker.embed.remote(span, self._sent.get(span))] = worker, span

    def _next_span(self) -> Span | None:
        """The next span to be embedded; those that are finished, or empty, are noted on the way."""
        if self._again:
            return self._again.popleft()
        while (span := next(self._spans, None)) is not None:
            self._order.append(span)
            shard = read_shard(self._build, span) if span in self._finished else None
            if shard is None and self._reader is not None:
                if works := self._reader.read(span):
                    self._sent[span] = self._ray.put(works)
                else:
                    shard = self._empty
            if shard is None:
                return span
            self._embedded(span, shard)
        return None

    @property
    def _empty(self) -> BuildProgress:
        """The shard of a span in which the source has no works."""
        return BuildProgress(fingerprint=self._build.fingerprint)

    def _embedded(self, span: Span, shard: BuildProgress) -> None:
        self._shards[span] = shard
        self._sent.pop(span, None)
        if shard.consumed < span.rows:
            self._spans = iter(())

    def _wait(self) -> None:
        """Wait for a worker that is done, or dead."""
        (ref, *_), _ = self._ray.wait(list(self._running), num_returns=1)
        worker, span = self._running.pop(ref)
        errors = self._ray.exceptions
        try:
            read = self._ray.get(ref)
        except errors.RayTaskError as error:
            if isinstance(error.cause, ArtsimError):
                raise error.cause from error
            raise CollectionError(
                f"A worker fails: {_one_line(error.cause)}. Run it again to go on from there."
            ) from error
        except errors.RayError as error:
            self._replace(worker, span, error)
            return
        self._idle.append(worker)
        shard = read_shard(self._build, span) if read else self._empty
        if shard is None:
            raise CollectionError(
                f"A worker has written {self._build.checkpoint.shards / span.name}, which is not here: a build on Ray needs "
                "the collection's folder at the same path on every machine."
            )
        self._embedded(span, shard)

    def _replace(self, worker: Any, span: Span, error: Exception) -> None:
        """Start another worker in place of one that is dead; `CollectionError` if too many have died of one span."""
        self._tries[span] += 1
        works = f"works {span.first + 1} to {span.last} of {self._build.source.name}"
        if self._tries[span] >= _TRIES:
            raise CollectionError(
                f"{_TRIES} workers have died while they embedded {works}: {_one_line(error)}. Give them more memory, or larger "
                "shares of the cores with --workers; run it again to go on from there."
            ) from error
        log.warning("A worker has died; another one embeds %s. (%s)", works, _one_line(error))
        self._ray.kill(worker)  # it may only be out of reach
        self._again.append(span)
        self._idle.append(self._start_worker())


class _Reader:
    """Reads the works of a source from which only one process reads, span after span."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._next: int | None = None
        self._works: Iterator[ReadWork] = iter(())

    def read(self, span: Span) -> list[ReadWork]:
        if self._next != span.first:
            self._works = read_works(works_of(self._build.source, span.first, self._build.options.limit))
        self._next = span.last
        return list(itertools.islice(self._works, span.rows))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
