"""Pictures -> vectors in every space of a collection: for builds, for works that are added, and for the API alike.

One picture is decoded once and shown to each encoder. What is known of a picture by the hash of its file is not embedded
again.
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
"""Of one picture: raw vectors by aspect, and those of its regions, one after the other, as "regions"."""


@dataclass(frozen=True)
class KnownVectors:
    """Vectors that need not be computed again, by the sha256 of the picture's file."""

    spaces: Mapping[str, Mapping[str, Vectors]] = field(default_factory=dict)
    """By the name of the space, then by hash."""
    palettes: Mapping[str, Vectors] = field(default_factory=dict)
    """By hash: the aspect `color`, which all encoders share."""


def decode_side(encoders: Mapping[str, Encoder]) -> int:
    """The short side in pixels at which pictures are decoded: twice what the most demanding encoder looks at."""
    return 2 * max(encoder.short_side for encoder in encoders.values())


def embed_works(
    works: Sequence[Mapping[str, Any]], encoders: Mapping[str, Encoder], *, regions: Collection[str] = ()
) -> EmbeddedWorks:
    """Read and embed works, each a mapping with `image` (path, bytes or PIL). `ImageError` for one that cannot be read.

    `encoders` by the names of their spaces; `regions` names the spaces that keep vectors of regions.
    """
    datas = [_picture_bytes(work) for work in works]
    side = decode_side(encoders)
    images = [
        load_image(data, short_side=side, name=_label(work, number))
        for number, (work, data) in enumerate(zip(works, datas, strict=True))
    ]
    hashes = tuple(hashlib.sha256(data).hexdigest() for data in datas)
    files = tuple(partial(bytes, data) for data in datas)
    return EmbeddedWorks(tuple(works), files, hashes, embed_images(images, encoders, regions=regions))


def embed_images(
    images: Sequence[Image.Image],
    encoders: Mapping[str, Encoder],
    *,
    regions: Collection[str] = (),
    hashes: Sequence[str] | None = None,
    known: KnownVectors | None = None,
) -> dict[str, SpaceVectors]:
    """The vectors of RGB pictures in every space, by its name. A picture whose hash is `known` is not embedded again."""
    hashes = hashes if hashes is not None else [""] * len(images)
    known = known or KnownVectors()
    palettes = _embed_unknown(images, hashes, known.palettes, lambda fresh: {"color": embed_colors(fresh)})
    vectors = {}
    for name, encoder in encoders.items():
        embed = partial(_embed_all, encoder, with_regions=name in regions)
        found = _embed_unknown(images, hashes, known.spaces.get(name, {}), embed)
        regions_found = found.pop("regions", None)
        blocks: Blocks = {**found, **palettes}  # type: ignore[dict-item]
        vectors[name] = SpaceVectors(blocks, regions_found)
    return vectors


def _embed_all(encoder: Encoder, images: Sequence[Image.Image], *, with_regions: bool) -> dict[str, np.ndarray]:
    """What the encoder makes of pictures: aspects, and if wanted "regions", each (n, d)."""
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
    """By aspect (n, d) float32, row i for picture i: computed by `embed` where its hash is not `known`."""
    fresh = [number for number, sha in enumerate(hashes) if sha not in known]
    if len(fresh) == len(images):
        return dict(embed(images))
    embedded = embed([images[number] for number in fresh]) if fresh else {}
    place = {number: position for position, number in enumerate(fresh)}
    names = embedded or known[hashes[0]]
    return {
        name: np.stack(
            [
                embedded[name][place[number]] if number in place else known[sha][name]
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
