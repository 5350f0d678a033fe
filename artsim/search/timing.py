"""Timings of the steps of a search, reported to observers: search itself depends on no metrics library."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol
from weakref import WeakSet

from artsim.errors import ArtsimError

Step = Literal["search", "encode", "index"]
Outcome = Literal["answered", "refused", "failed"]


@dataclass(frozen=True)
class Timing:
    """One finished step."""

    step: Step
    kind: str
    """Of a search: image, text, work, mixed, detail or recognize; of an encoding: image or text; of the index: ranking or
    detail."""
    seconds: float
    outcome: Outcome
    """"refused": ended by an `ArtsimError`, a message for the user; "failed": by any other error."""


class Observer(Protocol):
    def took(self, timing: Timing) -> None:
        """Called in the thread of the step; must be quick and must not raise."""


_observers: WeakSet[Observer] = WeakSet()


def observe(observer: Observer) -> None:
    """Report every step of this process to `observer` from now on. The reference to it is weak."""
    _observers.add(observer)


@contextmanager
def timed(step: Step, kind: str) -> Iterator[None]:
    """Time a block as one step."""
    started, outcome = time.perf_counter(), "answered"
    try:
        yield
    except ArtsimError:
        outcome = "refused"
        raise
    except BaseException:
        outcome = "failed"
        raise
    finally:
        if _observers:
            timing = Timing(step, kind, time.perf_counter() - started, outcome)  # type: ignore[arg-type]
            for observer in list(_observers):
                observer.took(timing)
