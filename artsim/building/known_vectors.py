"""Reuse the vectors of an old collection in a new build: each encoder embeds a picture only once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from artsim.embedding.embed_works import KnownVectors, Vectors
from artsim.encoders.color import DIMS
from artsim.encoders.protocol import Encoder
from artsim.encoders.region_vectors import REGIONS
from artsim.snapshot.state import State


def known_vectors(old: State | None, encoders: Mapping[str, Encoder], *, regions: bool) -> KnownVectors:
    """The vectors in `old` by picture hash: only of the same encoders, and with the same regions if `regions`."""
    if old is None or "sha256" not in old.schema:
        return KnownVectors()
    spaces = {name: _by_encoder(old, encoder, regions=regions) for name, encoder in encoders.items()}
    palette = next(
        (space.columns["color"] for space in old.spaces if space.statistics.raw_dims.get("color") == DIMS), None
    )
    palettes = {} if palette is None else _by_hash(old, {"color": old.spaces[0].load_vectors(palette)})
    return KnownVectors(spaces, palettes)


def _by_encoder(old: State, encoder: Encoder, *, regions: bool) -> dict[str, Vectors]:
    for space in old.spaces:
        dims = {aspect: dimension for aspect, dimension in space.statistics.raw_dims.items() if aspect != "color"}
        if (space.encoder, space.revision) == (encoder.id, encoder.revision) and dims == dict(encoder.dims):
            vectors: dict[str, np.ndarray] = {aspect: space.load_vectors(space.columns[aspect]) for aspect in dims}
            if regions:
                if space.regions is None or space.regions.boxes != REGIONS:
                    return {}
                vectors["regions"] = space.regions.raw()
            return _by_hash(old, vectors)
    return {}


def _by_hash(old: State, vectors: Mapping[str, np.ndarray]) -> dict[str, Vectors]:
    hashes = old.table.column("sha256").to_pylist()
    return {sha: {name: block[row] for name, block in vectors.items()} for row, sha in enumerate(hashes) if sha}
