"""Names of spaces and of their embedding columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from artsim.embedding.embedded_works import RecognitionVectors, SpaceVectors
from artsim.encoders.color import DIMS
from artsim.encoders.protocol import ASPECTS, Aspect, Encoder
from artsim.errors import EncoderError

RECOGNITION_COLUMN, FEATURES_COLUMN = "recognition", "recognition_features"
_SINGLE_UP_TO = 768  # numbers of a plain subject vector that is kept in single precision; longer ones in half
_RESERVED = ("auto", "fusion", "subject")  # encoder modes of a search, and a file that is published beside the spaces'


def name_spaces(encoders: Sequence[Encoder]) -> dict[str, Encoder]:
    """Encoders by space name, in their order; equal names are numbered: `vit`, `vit-2`.

    `EncoderError` when there is none, or one of them is given twice.
    """
    if not encoders:
        raise EncoderError("Give at least one encoder.")
    check_given_once((encoder.id, encoder.revision) for encoder in encoders)
    named: dict[str, Encoder] = {}
    for encoder in encoders:
        name = space_name(encoder.id)
        names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        named[next(free for free in names if free not in named and free not in _RESERVED)] = encoder
    return named


def check_given_once(encoders: Iterable[tuple[str, str]]) -> None:
    """`EncoderError` when an encoder is given twice. `encoders`: id and revision."""
    seen = set()
    for identity, revision in encoders:
        key = identity.rstrip("/"), revision
        if key in seen:
            raise EncoderError(f"The encoder {identity} is given twice; give each encoder once.")
        seen.add(key)


def space_name(encoder_id: str) -> str:
    """A short name for files and columns: `openai/clip-vit-base-patch16` -> `clip-vit-base-patch16`."""
    name = encoder_id.rstrip("/").split("/")[-1].lower()
    return "".join(character if character.isalnum() else "-" for character in name).strip("-") or "encoder"


def vector_columns(space: str) -> dict[Aspect, str]:
    """Aspect -> name of its embedding column; that of `color` does not depend on the encoder."""
    prefix = space.replace("-", "_")
    return {aspect: "palette_color" if aspect == "color" else f"{prefix}_{aspect}" for aspect in ASPECTS}


def compact_column(space: str) -> str:
    """The name of the embedding column for compact vectors."""
    return f"{space.replace('-', '_')}_compact"


def density_column(space: str) -> str:
    """The name of the column for the density of each work."""
    return f"{space.replace('-', '_')}_density"


def region_column(space: str) -> str:
    """The name of the embedding column for region vectors."""
    return f"{space.replace('-', '_')}_regions"


def reserved_columns(spaces: Iterable[str]) -> set[str]:
    """The names of all vector columns that spaces, whole or compact, and recognition may have."""
    names: set[str] = {RECOGNITION_COLUMN, FEATURES_COLUMN}
    for space in spaces:
        names |= {*vector_columns(space).values(), compact_column(space), density_column(space), region_column(space)}
    return names


def columns_of(vectors: Mapping[str, SpaceVectors]) -> dict[str, np.ndarray]:
    """Embedding column -> (n, d); `vectors` by space name."""
    columns: dict[str, np.ndarray] = {}
    for name, space_vectors in vectors.items():
        names = vector_columns(name)
        columns |= {names[aspect]: block for aspect, block in space_vectors.blocks.items()}
        if space_vectors.codes is not None:
            columns[compact_column(name)] = space_vectors.codes
        for regions in (space_vectors.regions, space_vectors.region_codes):
            if regions is not None:
                columns[region_column(name)] = regions
    return columns


def recognition_columns(vectors: RecognitionVectors | None) -> dict[str, np.ndarray]:
    """Column -> (n, d) of what works are recognised by."""
    if vectors is None:
        return {}
    features = {} if vectors.features is None else {FEATURES_COLUMN: vectors.features}
    return {RECOGNITION_COLUMN: vectors.codes, **features}


def vector_dims(encoder: Encoder) -> dict[Aspect, int]:
    """Aspect -> length of its vector, `color` included."""
    dims: dict[Aspect, int] = {**encoder.dims, "color": DIMS}
    return {aspect: dims[aspect] for aspect in ASPECTS}


def stored_type(aspect: Aspect, dimension: int) -> np.dtype[Any]:
    """The type in which a raw block with vectors of this length is stored."""
    return np.dtype(np.float32 if aspect == "subject" and dimension <= _SINGLE_UP_TO else np.float16)
