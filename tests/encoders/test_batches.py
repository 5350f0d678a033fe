"""`in_batches`: keeps the order, and halves batches that run out of memory."""

import logging
from collections.abc import Sequence

import numpy as np
import pytest

from artsim.encoders.protocol import Blocks, in_batches, unit_rows


class SmallMachine:
    """An encoder of numbers that raises `error` for batches larger than `room`."""

    def __init__(self, room: int, error: Exception) -> None:
        self.room, self.error = room, error
        self.batches: list[int] = []

    def __call__(self, items: Sequence[float]) -> Blocks:
        if len(items) > self.room:
            raise self.error
        self.batches.append(len(items))
        return {"subject": np.array(items, np.float32)[:, None]}


def out_of_memory(kind: str) -> Exception:
    import torch

    return {
        "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        "mps": RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        "cpu": RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: 9 bytes"),
        "python": MemoryError(),
    }[kind]


@pytest.mark.parametrize("kind", ["cuda", "mps", "cpu", "python"])
def test_out_of_memory_halves_the_batch_and_goes_on(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    machine = SmallMachine(3, out_of_memory(kind))
    with caplog.at_level(logging.WARNING):
        rows = in_batches(machine, list(range(20)), 16)["subject"]
    assert rows[:, 0].tolist() == list(range(20))
    assert machine.batches == [2] * 10  # 16, 8 and 4 were too many
    assert "continuing with batches of 2 pictures" in caplog.text


def test_other_errors_and_a_single_picture_that_does_not_fit_are_raised() -> None:
    machine = SmallMachine(1, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        in_batches(machine, [1.0, 2.0, 3.0], 2)
    assert machine.batches == []
    with pytest.raises(MemoryError):
        in_batches(SmallMachine(0, MemoryError()), [1.0, 2.0], 2)


def test_a_zero_row_stays_zero() -> None:
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert rows.tolist() == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]))
    assert rows.dtype == np.float32
