"""The vectors of a build: the columns of its checkpoint, and the spaces that are fitted to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from artsim.embedding.embed_works import Recogniser
from artsim.embedding.preprocessing import Preprocessing
from artsim.embedding.vector_columns import (
    FEATURES_COLUMN,
    RECOGNITION_COLUMN,
    compact_column,
    region_column,
    stored_type,
    vector_columns,
    vector_dims,
)
from artsim.encoders import Encoder, precision_of
from artsim.encoders.recognition_vectors import DIMENSION
from artsim.encoders.region_vectors import REGIONS, region_dim
from artsim.images.local_features import PACKED
from artsim.index import Rows
from artsim.snapshot.space import Space, make_space, refilled
from artsim.storage.vector_files import VectorKinds, kinds_of


def vector_kinds(
    encoders: Mapping[str, Encoder], kept: Mapping[str, Space], *, regions: bool, recogniser: Recogniser | None
) -> VectorKinds:
    """The vector columns of a build: raw blocks as a space stores them, or what the compact spaces `kept` store."""
    kinds: dict[str, tuple[np.dtype, int]] = {}
    if recogniser is not None:
        kinds[RECOGNITION_COLUMN] = np.dtype(np.uint8), DIMENSION
        kinds |= {FEATURES_COLUMN: (np.dtype(np.uint8), PACKED)} if recogniser.features else {}
    for name, encoder in encoders.items():
        kinds |= _kept_kinds(name, kept[name], regions) if name in kept else _raw_kinds(name, encoder, regions)
    return kinds


def fit_spaces(
    encoders: Mapping[str, Encoder],
    kept: Mapping[str, Space],
    columns: Mapping[str, Rows],
    *,
    whole: bool,
    preprocessing: Preprocessing,
) -> tuple[Space, ...]:
    """The spaces of all encoders over the vectors in `columns`; those `kept` keep what was fitted to them."""
    spaces = (
        refilled(kept[name], name, columns) if name in kept else _fit_space(name, encoder, columns, whole=whole)
        for name, encoder in encoders.items()
    )
    return tuple(
        replace(space, preprocessing=preprocessing, precision=precision_of(encoders[space.name])) for space in spaces
    )


def _fit_space(name: str, encoder: Encoder, columns: Mapping[str, Rows], *, whole: bool) -> Space:
    return make_space(
        name,
        encoder.id,
        encoder.revision,
        {aspect: columns[column] for aspect, column in vector_columns(name).items()},
        segments=encoder.segments,
        regions=columns.get(region_column(name)),
        whole=True if whole else None,
    )


def _raw_kinds(name: str, encoder: Encoder, regions: bool) -> VectorKinds:
    dims = vector_dims(encoder)
    kinds = {
        column: (stored_type(aspect, dims[aspect]), dims[aspect]) for aspect, column in vector_columns(name).items()
    }
    if regions:
        kinds[region_column(name)] = np.dtype(np.float16), len(REGIONS) * region_dim(encoder)
    return kinds


def _kept_kinds(name: str, space: Space, regions: bool) -> VectorKinds:
    columns = {vector_columns(name)["subject"]: space.subject.parts}
    if space.index.codes is not None:
        columns[compact_column(name)] = space.index.codes.parts
    if regions and space.regions is not None:
        columns[region_column(name)] = space.regions.vectors.parts
    return kinds_of(columns)
