"""The statistics of a space as a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artsim.encoders.protocol import ASPECTS, Aspect
from artsim.index import EightBits
from artsim.snapshot.principal import WIDTH_STEP
from artsim.snapshot.space_statistics import SegmentTransform, SpaceStatistics
from artsim.snapshot.tensors import Tensors, check_shapes, reading_tensors


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
    header = {"name": statistics.name, "roots": roots, "fitted": statistics.fitted}
    metadata = {"space": json.dumps(header)}  # one key: safetensors writes several in random order
    return save({key: np.ascontiguousarray(value, np.float32) for key, value in tensors.items()}, metadata=metadata)


def load_statistics(path: Path) -> SpaceStatistics:
    """Read a file with the content of `statistics_bytes`. Raises `CollectionError` for any other file."""
    with reading_tensors(path, "a file of space statistics") as (metadata, tensors):
        header = _header(metadata)
        _check_tensors(header, tensors)
        transforms: dict[Aspect, tuple[SegmentTransform, ...]] = {
            aspect: tuple(
                SegmentTransform(tensors[f"{aspect}.{number}.mean"], root, tensors.get(f"{aspect}.{number}.basis"))
                for number, root in enumerate(header.roots[aspect])
            )
            for aspect in header.roots
        }
        compact = "low" in tensors
        statistics = SpaceStatistics(
            header.name,
            transforms,
            {aspect: tensors[f"{aspect}.projection"] for aspect in transforms} if compact else None,
            EightBits(tensors["low"], tensors["step"], curved=True) if compact else None,
            tensors["pairs"],
            tensors["raw_pairs"],
            header.fitted,
        )
        if not all(statistics.raw_dims.values()) or not all(statistics.block_dims):
            raise ValueError("an aspect has no numbers")
        if statistics.bits is not None:
            statistics.bits.check(statistics.dimension)
            if statistics.dimension % WIDTH_STEP:
                raise ValueError(
                    f"its vectors have {statistics.dimension} numbers, which is no multiple of {WIDTH_STEP}"
                )
        return statistics


@dataclass(frozen=True)
class _Header:
    name: str
    roots: Mapping[Aspect, tuple[bool, ...]]
    """Aspect -> whether square roots are taken, for each segment."""
    fitted: int


def _header(metadata: Mapping[str, str]) -> _Header:
    """`ValueError` unless it names aspects, the subject among them, in their order: index vectors are laid out by it."""
    from pydantic import TypeAdapter

    header = TypeAdapter(_Header).validate_json(metadata["space"], strict=True)
    ordered = [aspect for aspect in ASPECTS if aspect in header.roots]
    if list(header.roots) != ordered or "subject" not in ordered or not all(header.roots.values()) or header.fitted < 1:
        raise ValueError(f"its aspects are {list(header.roots)}")
    return header


def _check_tensors(header: _Header, tensors: Tensors) -> None:
    """`ValueError` unless each tensor has the shape that the others ask for."""
    shapes: dict[str, tuple[int | None, ...]] = {
        "pairs": (None, len(header.roots)),
        "raw_pairs": (len(tensors["pairs"]),),
    }
    for aspect in header.roots:
        width = 0
        for number in range(len(header.roots[aspect])):
            mean, basis = f"{aspect}.{number}.mean", f"{aspect}.{number}.basis"
            shapes[mean] = (None,)
            if basis in tensors:
                shapes[basis] = (len(tensors[mean]), None)
            width += tensors[basis].shape[-1] if basis in tensors else len(tensors[mean])
        if "low" in tensors:
            shapes[f"{aspect}.projection"] = (width, None)
    if "low" in tensors:
        shapes |= {"low": (None,), "step": (None,)}
    check_shapes(tensors, shapes)
