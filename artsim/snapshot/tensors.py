"""Tensors of a safetensors file, memory-mapped: what a search does not need, such as bases for new pictures, takes no memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def mapped_tensors(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The metadata and the float32 tensors of a file. Raises what `safe_open` raises, `KeyError` and `ValueError`."""
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
    return metadata, tensors
