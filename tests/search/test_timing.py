"""Timings of search steps are reported to observers."""

import gc

import pytest

from artsim.errors import QueryError
from artsim.search.timing import Timing, observe, timed


class Recorder:
    def __init__(self, timings: list[Timing]) -> None:
        self.timings = timings

    def took(self, timing: Timing) -> None:
        self.timings.append(timing)


def test_steps_are_reported_with_their_outcome_while_there_is_an_observer() -> None:
    timings: list[Timing] = []
    observer = Recorder(timings)
    observe(observer)
    with timed("search", "image"):
        pass
    with pytest.raises(QueryError), timed("search", "text"):
        raise QueryError("No.")
    with pytest.raises(ZeroDivisionError), timed("index", "tuned"):
        1 / 0  # noqa: B018
    del observer
    gc.collect()
    with timed("search", "image"):
        pass
    assert [(timing.step, timing.kind, timing.outcome) for timing in timings] == [
        ("search", "image", "answered"),
        ("search", "text", "refused"),
        ("index", "tuned", "failed"),
    ]
    assert all(timing.seconds >= 0 for timing in timings)
