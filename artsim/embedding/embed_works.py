"""Pictures -> vectors in every space of a collection: for builds, for works that are added, and for the API alike.

Each picture is decoded once and passed to every encoder. Vectors that are known by the hash of a picture's file are not
computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from artsim.embedding.embedded_works import EmbeddedWorks, SpaceVectors
from artsim.encoders.color import embed_colors
from artsim.encoders.protocol import Blocks, Encoder
from artsim.encoders.region_vectors import embed_with_regions, rounded
from artsim.errors import QueryError
from artsim.images.decode import load_image, read_file, to_file

Vectors = Mapping[str, np.ndarray]
"""The raw vectors of one picture by aspect, and its concatenated region vectors as "regions"."""


@dataclass(frozen=True)
class KnownVectors:
    """Vectors that need not be computed again, by the sha256 of the picture file."""

    spaces: Mapping[str, Mapping[str, Vectors]] = field(default_factory=dict)
    """Space name -> hash -> vectors."""
    palettes: Mapping[str, Vectors] = field(default_factory=dict)
    """Hash -> the aspect `color`, which all encoders share."""


def decode_side(encoders: Mapping[str, Encoder]) -> int:
    """The short side in pixels at which pictures are decoded: twice the largest `short_side` of the encoders."""
    return 2 * max(encoder.short_side for encoder in encoders.values())


def embed_works(
    works: Sequence[Mapping[str, Any]], encoders: Mapping[str, Encoder], *, regions: Collection[str] = ()
) -> EmbeddedWorks:
    """Read and embed works, each a mapping with `image` (path, bytes or PIL). `ImageError` for an unreadable one.

    `encoders`: by space name; `regions`: names of the spaces that keep region vectors.
    """
    picture_files = [_picture_bytes(work) for work in works]
    side = decode_side(encoders)
    images = [
        load_image(data, short_side=side, name=_label(work, number))
        for number, (work, data) in enumerate(zip(works, picture_files, strict=True))
    ]
    hashes = tuple(hashlib.sha256(data).hexdigest() for data in picture_files)
    files = tuple(partial(bytes, data) for data in picture_files)
    return EmbeddedWorks(tuple(works), files, hashes, embed_images(images, encoders, regions=regions))


def embed_images(
    images: Sequence[Image.Image],
    encoders: Mapping[str, Encoder],
    *,
    regions: Collection[str] = (),
    hashes: Sequence[str] | None = None,
    known: KnownVectors | None = None,
) -> dict[str, SpaceVectors]:
    """The vectors of RGB pictures, by space name. A picture whose hash is in `known` is not embedded again."""
    hashes = hashes if hashes is not None else [""] * len(images)
    known = known or KnownVectors()
    palettes = _embed_unknown(images, hashes, known.palettes, lambda pictures: {"color": embed_colors(pictures)})
    vectors = {}
    for name, encoder in encoders.items():
        embed = partial(_embed_all, encoder, with_regions=name in regions)
        blocks_and_regions = _embed_unknown(images, hashes, known.spaces.get(name, {}), embed)
        region_vectors = blocks_and_regions.pop("regions", None)
        blocks: Blocks = {**blocks_and_regions, **palettes}  # type: ignore[dict-item]
        vectors[name] = SpaceVectors(blocks, region_vectors)
    return vectors


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
    images: Sequence[Image.Image],
    hashes: Sequence[str],
    known: Mapping[str, Vectors],
    embed: Callable[[Sequence[Image.Image]], Mapping[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """By aspect (n, d) float32, row i for picture i; computed by `embed` if its hash is not in `known`."""
    unknown = [number for number, sha in enumerate(hashes) if sha not in known]
    if len(unknown) == len(images):
        return dict(embed(images))
    embedded = embed([images[number] for number in unknown]) if unknown else {}
    position_of = {number: position for position, number in enumerate(unknown)}
    names = embedded or known[hashes[0]]
    return {
        name: np.stack(
            [
                embedded[name][position_of[number]] if number in position_of else known[sha][name]
                for number, sha in enumerate(hashes)
            ]
        ).astype(np.float32)
        for name in names
    }


def _picture_bytes(work: Mapping[str, Any]) -> bytes:
    image = work.get("image")
    if isinstance(image, bytes):
        return image
    if isinstance(image, Image.Image):
        return to_file(image)
    if isinstance(image, str | Path):
        return read_file(image)
    raise QueryError("Each work to add needs an image: a path, bytes or a PIL picture.")


def _label(work: Mapping[str, Any], number: int) -> str:
    image = work.get("image")
    return str(image) if isinstance(image, str | Path) else str(work.get("id") or f"picture {number + 1}")
