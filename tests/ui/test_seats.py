"""Seats: calls that hang are abandoned, calls that are too many are refused."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from artsim.errors import BusyError
from artsim.ui.seats import Seats


@pytest.fixture
def end() -> Iterator[threading.Event]:
    """Set at the end, so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()


def test_calls_that_hang_are_abandoned_and_their_seats_go_to_the_next(end: threading.Event) -> None:
    seats = Seats(2, seconds=0.2)
    for _ in range(4):  # twice as many as there are seats
        with pytest.raises(BusyError, match="took too long"):
            seats.run(lambda: end.wait(30))
    assert seats.run(lambda: "answered") == "answered"
    with pytest.raises(BusyError):
        asyncio.run(seats.run_async(lambda: end.wait(30)))
    assert asyncio.run(seats.run_async(lambda: "answered")) == "answered"


def test_more_calls_than_may_wait_are_refused_at_once_and_the_others_are_answered(end: threading.Event) -> None:
    seats = Seats(1, waiting=1, seconds=30)
    answers: list[bool] = []
    callers = [threading.Thread(target=lambda: answers.append(seats.run(lambda: end.wait(30)))) for _ in range(2)]
    for caller in callers:
        caller.start()
    while not seats.are_full:
        pass
    assert seats.are_taken
    with pytest.raises(BusyError, match="busy"):
        seats.run(lambda: None)
    end.set()
    for caller in callers:
        caller.join()
    assert answers == [True, True]
    assert seats.run(lambda: seats.run(lambda: 1)) == 1, "a call within a call has its seat"


def test_when_too_many_hang_no_seat_is_free(end: threading.Event) -> None:
    seats = Seats(1, seconds=0.05)
    for _ in range(10):
        with pytest.raises(BusyError):
            seats.run(lambda: end.wait(30))
    assert seats.are_taken


def test_an_error_is_the_caller_s() -> None:
    with pytest.raises(ZeroDivisionError):
        Seats(1).run(lambda: 1 // 0)
