"""Pictures -> vectors in every space of a collection: for builds, for works that are added, and for the API alike.

Each picture is decoded once and passed to every encoder. Vectors that are known by the hash of a picture's file are not
computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from PIL import Image

from artsim.embedding.decoded_works import DecodedWork
from artsim.embedding.embedded_works import EmbeddedWorks, SpaceVectors
from artsim.encoders.color import embed_colors
from artsim.encoders.protocol import Blocks, Encoder
from artsim.encoders.region_vectors import embed_with_regions, rounded

Vectors = Mapping[str, np.ndarray]
"""The raw vectors of one picture by aspect, and its concatenated region vectors as "regions"."""


@dataclass(frozen=True)
class KnownVectors:
    """Vectors that need not be computed again, by the sha256 of the picture file."""

    spaces: Mapping[str, Mapping[str, Vectors]] = field(default_factory=dict)
    """Space name -> hash -> vectors."""
    palettes: Mapping[str, Vectors] = field(default_factory=dict)
    """Hash -> the aspect `color`, which all encoders share."""


def embed_works(
    works: Sequence[DecodedWork],
    encoders: Mapping[str, Encoder],
    *,
    regions: Collection[str] = (),
    known: KnownVectors | None = None,
) -> EmbeddedWorks:
    """Embed works, at least one, with every encoder. A picture whose hash is in `known` is not embedded again.

    `encoders`: by space name; `regions`: names of the spaces that keep region vectors.
    """
    known = known or KnownVectors()
    palettes = _embed_unknown(works, known.palettes, lambda pictures: {"color": embed_colors(pictures)})
    vectors = {}
    for name, encoder in encoders.items():
        embed = partial(_embed_all, encoder, with_regions=name in regions)
        blocks_and_regions = _embed_unknown(works, known.spaces.get(name, {}), embed)
        region_vectors = blocks_and_regions.pop("regions", None)
        blocks: Blocks = {**blocks_and_regions, **palettes}  # type: ignore[dict-item]
        vectors[name] = SpaceVectors(blocks, region_vectors)
    return EmbeddedWorks(
        tuple(item.work for item in works),
        tuple(item.read for item in works),
        tuple(item.sha256 for item in works),
        vectors,
    )


def _embed_all(encoder: Encoder, images: Sequence[Image.Image], *, with_regions: bool) -> dict[str, np.ndarray]:
    """The vectors of pictures: the encoder's aspects, and "regions" if requested, each (n, d)."""
    if not with_regions:
        return {str(aspect): block for aspect, block in encoder.embed_images(images).items()}
    blocks, regions = embed_with_regions(encoder, images)
    return {
        **{str(aspect): block for aspect, block in blocks.items()},
        "regions": rounded(regions.reshape(len(images), -1)),
    }


def _embed_unknown(
    works: Sequence[DecodedWork],
    known: Mapping[str, Vectors],
    embed: Callable[[Sequence[Image.Image]], Mapping[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """By aspect (n, d) float32, row i for work i; computed by `embed` if its hash is not in `known`."""
    unknown = [number for number, item in enumerate(works) if item.sha256 not in known]
    if len(unknown) == len(works):
        return dict(embed([item.image for item in works]))
    embedded = embed([works[number].image for number in unknown]) if unknown else {}
    position_of = {number: position for position, number in enumerate(unknown)}
    names = embedded or known[works[0].sha256]
    return {
        name: np.stack(
            [
                embedded[name][position_of[number]] if number in position_of else known[item.sha256][name]
                for number, item in enumerate(works)
            ]
        ).astype(np.float32)
        for name in names
    }
