"""Background computation of slow answers: once per key and state of the collection, in a thread."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from artsim.collection import Collection
from artsim.errors import ArtsimError
from artsim.messages.progress import Progress
from artsim.snapshot.state import State

T = TypeVar("T")
_MAX_TASKS = 16

log = logging.getLogger(__name__)


@dataclass
class BackgroundTask(Generic[T]):
    """One computation, with its progress and its answer."""

    collection_state: State
    state: Literal["working", "done", "failed"] = "working"
    done: int = 0
    total: int = 0
    answer: T | None = None
    failure: ArtsimError | None = None
    """Cause of the failure; None if it is only in the log."""


class Background(Generic[T]):
    """Runs `work(key, progress)` once per requested key, one at a time; again after the collection has changed."""

    def __init__(self, name: str, collection: Collection, work: Callable[[Hashable, Progress], T]) -> None:
        self._name, self._collection, self._work = name, collection, work
        self._tasks_lock, self._work_lock = threading.Lock(), threading.Lock()
        self._tasks: OrderedDict[Hashable, BackgroundTask[T]] = OrderedDict()

    def task(self, key: Hashable = None) -> BackgroundTask[T]:
        """The task for `key`, started now if there is none for the current state of the collection."""
        with self._tasks_lock:
            state = self._collection.state
            task = self._tasks.get(key)
            if task is None or task.collection_state is not state:
                task = self._tasks[key] = BackgroundTask(state, total=len(state))
                threading.Thread(target=self._run, args=(key, task), name=self._name, daemon=True).start()
                while len(self._tasks) > _MAX_TASKS:
                    self._tasks.popitem(last=False)
            return task

    def _run(self, key: Hashable, task: BackgroundTask[T]) -> None:
        def progress(done: int, total: int | None) -> None:
            task.done, task.total = done, total or task.total

        try:
            with self._work_lock:
                task.answer = self._work(key, progress)
        except ArtsimError as error:
            task.failure, task.state = error, "failed"
        except Exception:
            log.exception("%s failed.", self._name)
            task.state = "failed"
        else:
            task.state = "done"
