"""An app whose seats are taken."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from artsim.ui.seats import Seats, _Call


@contextmanager
def taken(seats: Seats, *, also_waiting: bool = True) -> Iterator[None]:
    """All seats, and all places to wait for one, are taken until the block ends."""
    over = threading.Event()
    calls = []
    while not (seats.are_full if also_waiting else seats.are_taken):
        calls.append(_Call(lambda: over.wait(60)))
        seats._begin(calls[-1])
    try:
        yield
    finally:
        over.set()
        for call in calls:
            call.future.result()
        while seats.are_taken:
            time.sleep(0.01)
