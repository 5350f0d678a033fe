"""The file of a space's statistics."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from artsim.encoders.protocol import Aspect
from artsim.errors import CollectionError
from artsim.index import EightBits
from artsim.snapshot.space_statistics import SegmentTransform, SpaceStatistics


def statistics_bytes(statistics: SpaceStatistics) -> bytes:
    """The statistics as the content of a safetensors file."""
    from safetensors.numpy import save

    tensors = {"pairs": statistics.pairs, "raw_pairs": statistics.raw_pairs}
    roots: dict[str, list[bool]] = {}
    for aspect, segments in statistics.transforms.items():
        roots[aspect] = [segment.root for segment in segments]
        for number, segment in enumerate(segments):
            tensors[f"{aspect}.{number}.mean"] = segment.mean
            if segment.basis is not None:
                tensors[f"{aspect}.{number}.basis"] = segment.basis
    if statistics.bases is not None and statistics.bits is not None:
        tensors |= {f"{aspect}.projection": basis for aspect, basis in statistics.bases.items()}
        tensors |= {"low": statistics.bits.low, "step": statistics.bits.step}
    header = {"name": statistics.name, "roots": json.dumps(roots), "fitted": str(statistics.fitted)}
    return save({key: np.ascontiguousarray(value, np.float32) for key, value in tensors.items()}, metadata=header)


def load_statistics(path: Path) -> SpaceStatistics:
    """Read a file with the content of `statistics_bytes`. Raises `CollectionError` for any other file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        roots: dict[Aspect, list[bool]] = json.loads(header["roots"])
        transforms = {
            aspect: tuple(
                SegmentTransform(tensors[f"{aspect}.{number}.mean"], root, tensors.get(f"{aspect}.{number}.basis"))
                for number, root in enumerate(of_aspect)
            )
            for aspect, of_aspect in roots.items()
        }
        compact = "low" in tensors
        return SpaceStatistics(
            header["name"],
            transforms,
            {aspect: tensors[f"{aspect}.projection"] for aspect in transforms} if compact else None,
            EightBits(tensors["low"], tensors["step"], curved=True) if compact else None,
            tensors["pairs"],
            tensors["raw_pairs"],
            int(header["fitted"]),
        )
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise CollectionError(
            "{path} is not a file of space statistics ({reason}); build the collection again.",
            path=path,
            reason=str(error),
        ) from error
