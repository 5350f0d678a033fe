"""How long the steps of a search take, told to whoever observes: the rooms that do the work know no metrics library."""

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
    """One step that is over."""

    step: Step
    kind: str
    """What a search asks with (image, text, work, mixed), what is encoded (image, text), or how it is ranked."""
    seconds: float
    outcome: Outcome
    """"refused": it ended with an `ArtsimError`, a sentence for whoever asked; "failed": with any other error."""


class Observer(Protocol):
    def took(self, timing: Timing) -> None:
        """Called from whichever thread the step ran in; quick, and without raising."""


_observers: WeakSet[Observer] = WeakSet()


def observe(observer: Observer) -> None:
    """Tell `observer` of every step of this process from now on, for as long as something else holds it."""
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
