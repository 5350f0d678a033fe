"""Answers that take longer than a visitor waits: worked out once, in a thread, for the collection as it is."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from artsim.collection import Collection
from artsim.errors import ArtsimError
from artsim.snapshot.state import State

T = TypeVar("T")
Progress = Callable[[int, int | None], None]
_KEPT = 16

log = logging.getLogger(__name__)


@dataclass
class BackgroundTask(Generic[T]):
    """One answer being worked out; `state` tells how far it is."""

    collection_state: State
    state: Literal["working", "done", "failed"] = "working"
    done: int = 0
    total: int = 0
    answer: T | None = None
    failure: ArtsimError | None = None
    """Why it failed; None when the cause is in the log only."""


class Background(Generic[T]):
    """`work(key, progress)` for each key asked for, one at a time; again once the collection has changed."""

    def __init__(self, name: str, collection: Collection, work: Callable[[Hashable, Progress], T]) -> None:
        self._name, self._collection, self._work = name, collection, work
        self._asking, self._working = threading.Lock(), threading.Lock()
        self._jobs: OrderedDict[Hashable, BackgroundTask[T]] = OrderedDict()

    def job(self, key: Hashable = None) -> BackgroundTask[T]:
        """The job for `key`, begun now if there is none for the collection as it is."""
        with self._asking:
            state = self._collection.state
            job = self._jobs.get(key)
            if job is None or job.collection_state is not state:
                job = self._jobs[key] = BackgroundTask(state, total=len(state))
                threading.Thread(target=self._run, args=(key, job), name=self._name, daemon=True).start()
                while len(self._jobs) > _KEPT:
                    self._jobs.popitem(last=False)
            return job

    def _run(self, key: Hashable, job: BackgroundTask[T]) -> None:
        def progress(done: int, total: int | None) -> None:
            job.done, job.total = done, total or job.total

        try:
            with self._working:
                job.answer = self._work(key, progress)
        except ArtsimError as error:
            job.failure, job.state = error, "failed"
        except Exception:
            log.exception("%s failed.", self._name)
            job.state = "failed"
        else:
            job.state = "done"
