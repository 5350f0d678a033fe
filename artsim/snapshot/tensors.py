"""Tensors of a safetensors file, memory-mapped: what a search does not need, such as bases for new pictures, takes no memory.

A file may come from a stranger, so types, shapes and numbers are checked here, before anything is computed from them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from artsim.index.numbers import check_numbers
from artsim.storage.damage import converting_damage

Tensors = dict[str, np.ndarray]


@contextmanager
def reading_tensors(path: Path, what: str) -> Iterator[tuple[dict[str, str], Tensors]]:
    """The metadata and the float32 tensors of a file. Whatever is wrong with them becomes a `CollectionError`.

    `what` the file should be, such as "a file of space statistics". Errors raised inside the block count as well.
    """
    from safetensors import SafetensorError

    with converting_damage(path, what, SafetensorError):
        yield _mapped_tensors(path)


def _mapped_tensors(path: Path) -> tuple[dict[str, str], Tensors]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:  # checks the header and the size
        metadata = file.metadata() or {}
    content = np.asarray(np.memmap(path, np.uint8, "r"))
    start = 8 + int.from_bytes(content[:8].tobytes(), "little")
    tensors = {}
    for name, entry in json.loads(content[8:start].tobytes()).items():
        if name != "__metadata__":
            if entry["dtype"] != "F32":
                raise ValueError(f"{name} is of type {entry['dtype']}")
            first, end = entry["data_offsets"]
            tensors[name] = content[start + first : start + end].view(np.float32).reshape(entry["shape"])
            check_numbers(tensors[name], name)
    return metadata, tensors


def check_shapes(tensors: Tensors, shapes: dict[str, tuple[int | None, ...]]) -> None:
    """`ValueError` unless these tensors are there, each in its shape; None: of any length."""
    if missing := shapes.keys() - tensors.keys():
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    for name, shape in shapes.items():
        found = tensors[name].shape
        if len(found) != len(shape) or any(
            wanted not in (None, size) for wanted, size in zip(shape, found, strict=True)
        ):
            raise ValueError(f"{name} has the shape {found}, not {shape}")
