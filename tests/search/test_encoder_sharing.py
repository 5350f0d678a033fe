"""Concurrent calls: one computes for all with the same key, pictures that wait are one batch, and nobody waits for ever."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from artsim.search import encoder_sharing
from artsim.search.encoder_sharing import Batches, SingleFlight


def picture(width: int) -> Image.Image:
    return Image.new("L", (width, 1))


def widths(pictures: Sequence[Image.Image]) -> list[int]:
    return [one.width for one in pictures]


def test_an_error_reaches_all_that_wait_for_it_and_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    flights: SingleFlight[int] = SingleFlight()
    entered, go, waiting = threading.Event(), threading.Event(), threading.Semaphore(0)
    wait = encoder_sharing.wait
    monkeypatch.setattr(encoder_sharing, "wait", lambda *given: (waiting.release(), wait(*given)))

    def fail() -> int:
        entered.set()
        assert go.wait(60)
        raise ValueError("no such picture")

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(flights.run, "key", fail)
        assert entered.wait(60)
        others = [pool.submit(flights.run, "key", lambda: 1 // 0) for _ in range(2)]
        assert all(waiting.acquire(timeout=60) for _ in others)
        go.set()
        for future in (first, *others):
            with pytest.raises(ValueError, match="no such picture"):
                future.result(60)
    assert flights.run("key", lambda: 7) == 7


def test_a_call_that_hangs_holds_nobody_for_longer_than_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_sharing, "PATIENCE", 0.05)
    go, hanging = threading.Event(), threading.Event()

    def hang_at_one(pictures: Sequence[Image.Image]) -> list[int]:
        if not hanging.is_set():
            hanging.set()
            assert go.wait(60)
        return widths(pictures)

    flights: SingleFlight[int] = SingleFlight()
    batches = Batches(hang_at_one)
    with ThreadPoolExecutor(1) as pool:
        hung = pool.submit(flights.run, "key", lambda: batches.embed(picture(1)))
        assert hanging.wait(60)
        assert flights.run("key", lambda: batches.embed(picture(2))) == 2
        assert batches.embed(picture(3)) == 3
        go.set()
        assert hung.result(60) == 1


def test_a_picture_that_cannot_be_embedded_fails_alone() -> None:
    entered, go = threading.Event(), threading.Event()

    def embed(pictures: Sequence[Image.Image]) -> list[int]:
        entered.set()
        assert go.wait(60)
        if 13 in widths(pictures):
            raise RuntimeError("thirteen")
        return widths(pictures)

    batches = Batches(embed)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(batches.embed, picture(1))]
        assert entered.wait(60)
        futures += [pool.submit(batches.embed, picture(width)) for width in (12, 13, 14)]
        while len(batches._waiting) < 3:
            time.sleep(0.01)
        go.set()
        answers = [str(future.exception(60) or future.result()) for future in futures]
    assert answers == ["1", "12", "thirteen", "14"]
