"""Reuse the vectors of an old collection in a new build: each encoder embeds a picture only once.

A space that is kept whole gives its raw blocks, and the new one is fitted to them. A compact space holds no raw blocks: its
codes are of use only where the new space keeps what was fitted, so it does while the collection has not outgrown that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np

from artsim.embedding.embed_works import KnownVectors, TakeRows, Vectors
from artsim.embedding.vector_columns import FEATURES_COLUMN, RECOGNITION_COLUMN
from artsim.encoders import precision_of
from artsim.encoders.color import DIMS
from artsim.encoders.protocol import ASPECTS, Encoder
from artsim.encoders.region_vectors import REGIONS
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import COMPACT_FROM
from artsim.snapshot.state import State


def known_spaces(old: State | None, encoders: Mapping[str, Encoder], *, regions: bool) -> dict[str, Space]:
    """The spaces of `old` that know vectors of `encoders`, by the names of those: with the same regions if `regions`."""
    if old is None or "sha256" not in old.schema:
        return {}
    return {
        name: space
        for name, encoder in encoders.items()
        for space in old.spaces
        if _is_of(space, encoder) and (not regions or (space.regions is not None and space.regions.boxes == REGIONS))
    }


def spaces_of(state: State, encoders: Iterable[Encoder]) -> list[str] | None:
    """The names of the spaces of `encoders`, in their order; None if one of them has none."""
    names = [next((space.name for space in state.spaces if _is_of(space, encoder)), None) for encoder in encoders]
    found = [name for name in names if name is not None]
    return found if len(found) == len(names) else None


def keeps_fit(space: Space, works: int | None) -> bool:
    """Whether a build of so many works, None if nobody knows, keeps what was fitted to this compact space."""
    return space.is_compact and works is not None and works >= COMPACT_FROM and not space.statistics.outgrown_by(works)


def known_vectors(
    old: State | None, known: Mapping[str, Space], kept: Mapping[str, Space], *, regions: bool, features: bool
) -> KnownVectors:
    """The vectors of the spaces `known` of `old`, with those of regions if `regions`. Of compact ones, only if `kept`.

    `features`: whether local features are kept.
    """
    if old is None or "sha256" not in old.schema:
        return KnownVectors()
    hashes = old.table.column("sha256").to_pylist()
    colors = [space.wide["color"] for space in old.spaces if not space.is_compact]
    palette = next((block for block in colors if block.dimension == DIMS), None)
    return KnownVectors(
        rows={sha: row for row, sha in enumerate(hashes) if sha},
        spaces={
            name: _taken(space, regions=regions)
            for name, space in known.items()
            if name in kept or not space.is_compact
        },
        palettes={} if palette is None else {"color": palette.take},
        compact={name: partial(_stored, space) for name, space in kept.items()},
        recognition=_known_recognition(old, features=features),
    )


def _known_recognition(old: State, *, features: bool) -> dict[str, TakeRows]:
    wanted = {RECOGNITION_COLUMN, FEATURES_COLUMN} if features else {RECOGNITION_COLUMN}
    columns = {} if old.recognition is None else old.recognition.columns()
    return {name: columns[name].take for name in wanted} if wanted <= columns.keys() else {}


def _is_of(space: Space, encoder: Encoder) -> bool:
    dims = {aspect: dimension for aspect, dimension in space.statistics.raw_dims.items() if aspect != "color"}
    made_with = (encoder.id, encoder.revision, precision_of(encoder))
    return (space.encoder, space.revision, space.precision) == made_with and dims == dict(encoder.dims)


def _taken(space: Space, *, regions: bool) -> dict[str, TakeRows]:
    columns: dict[str, TakeRows] = {
        str(aspect): block.take for aspect, block in space.raw_blocks().items() if aspect != "color"
    }
    if space.index.codes is not None:
        columns["codes"] = space.index.codes.take
    if regions and space.regions is not None:
        columns["regions"] = space.regions.vectors.take
    return columns


def _stored(space: Space, raw: Vectors) -> dict[str, np.ndarray]:
    """What a compact space stores of raw vectors."""
    statistics = space.statistics
    assert statistics.bits is not None
    index_vectors = statistics.index_vectors({aspect: raw[aspect] for aspect in ASPECTS})
    stored = {"subject": raw["subject"], "codes": statistics.bits.encode(index_vectors)}
    if "regions" in raw and space.regions is not None:
        stored["regions"] = space.regions.statistics.stored(raw["regions"])
    return stored
