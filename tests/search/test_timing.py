"""Steps of a search, told to observers."""

import gc

import pytest

from artsim.errors import QueryError
from artsim.search.timing import Timing, observe, timed


class Heard:
    def __init__(self, heard: list[Timing]) -> None:
        self.heard = heard

    def took(self, timing: Timing) -> None:
        self.heard.append(timing)


def test_steps_are_told_with_how_they_ended_while_there_is_an_observer() -> None:
    heard: list[Timing] = []
    observer = Heard(heard)
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
    assert [(timing.step, timing.kind, timing.outcome) for timing in heard] == [
        ("search", "image", "answered"),
        ("search", "text", "refused"),
        ("index", "tuned", "failed"),
    ]
    assert all(timing.seconds >= 0 for timing in heard)
