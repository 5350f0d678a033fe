"""Works about to join a collection: pictures read, decoded and embedded. What takes long of adding them, done beforehand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from artsim.encoders import Blocks, Encoder
from artsim.encoders.color import embed_colors
from artsim.encoders.region_vectors import embed_with_regions
from artsim.errors import QueryError
from artsim.images.decode import load_image, read_file, to_file
from artsim.snapshot.space import Space
from artsim.snapshot.state import State

File = Callable[[], bytes]
"""The file of a picture, read when it is called; it must be there until the collection is saved."""


@dataclass(frozen=True)
class SpaceVectors:
    """Of one space, for n works: raw blocks (n, d each), and the raw vectors of regions (n, regions * d) where it has any."""

    blocks: Blocks
    regions: np.ndarray | None = None


@dataclass(frozen=True)
class EmbeddedWorks:
    """Works with their vectors in every space of a collection, in one order throughout."""

    works: tuple[Mapping[str, Any], ...]
    """Metadata columns; `image` may be among them, and is not used any more."""
    files: tuple[File, ...]
    hashes: tuple[str, ...]
    """The sha256 of each file."""
    vectors: Mapping[str, SpaceVectors]
    """By the name of the space."""

    def __len__(self) -> int:
        return len(self.works)


def embed_works(
    works: Sequence[Mapping[str, Any]], spaces: Sequence[Space], encoders: Mapping[str, Encoder]
) -> EmbeddedWorks:
    """Read and embed works, each a mapping with `image` (path, bytes or PIL). `ImageError` for one that cannot be read."""
    datas = [_picture_bytes(work) for work in works]
    short_side = 2 * max(encoder.short_side for encoder in encoders.values())  # as when a collection is built
    images = [
        load_image(data, short_side=short_side, name=_label(work, number))
        for number, (work, data) in enumerate(zip(works, datas, strict=True))
    ]
    hashes = tuple(hashlib.sha256(data).hexdigest() for data in datas)
    files = tuple(partial(bytes, data) for data in datas)
    return EmbeddedWorks(tuple(works), files, hashes, embed_pictures(images, spaces, encoders))


def embed_pictures(
    images: Sequence[Image.Image], spaces: Sequence[Space], encoders: Mapping[str, Encoder]
) -> dict[str, SpaceVectors]:
    """The vectors of pictures in every space."""
    palettes: Blocks = {"color": embed_colors(images)}
    vectors = {}
    for space in spaces:
        encoder = encoders[space.name]
        if space.regions is None:
            vectors[space.name] = SpaceVectors({**encoder.embed_images(images), **palettes})
        else:
            blocks, regions = embed_with_regions(encoder, images)
            vectors[space.name] = SpaceVectors({**blocks, **palettes}, regions.reshape(len(images), -1))
    return vectors


def embedded_works_of(state: State, rows: Sequence[int]) -> EmbeddedWorks:
    """Works of a collection as they would be added to it again."""
    works = [state.work(row) for row in rows]
    hashes = tuple(work.pop("sha256", None) or "" for work in works)
    vectors = {}
    for space in state.spaces:
        blocks: Blocks = {aspect: block[list(rows)] for aspect, block in space.raw_blocks().items()}
        regions = None if space.regions is None else space.regions.raw()[list(rows)]
        vectors[space.name] = SpaceVectors(blocks, regions)
    return EmbeddedWorks(tuple(works), tuple(partial(state.pictures, row) for row in rows), hashes, vectors)


def concat(parts: Sequence[EmbeddedWorks]) -> EmbeddedWorks:
    """Several, one after the other. There must be at least one."""
    vectors = {}
    for name in parts[0].vectors:
        each = [part.vectors[name] for part in parts]
        blocks: Blocks = {a: np.concatenate([one.blocks[a] for one in each]) for a in each[0].blocks}
        regions = [one.regions for one in each if one.regions is not None]
        vectors[name] = SpaceVectors(blocks, np.concatenate(regions) if regions else None)
    return EmbeddedWorks(
        tuple(work for part in parts for work in part.works),
        tuple(file for part in parts for file in part.files),
        tuple(sha for part in parts for sha in part.hashes),
        vectors,
    )


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
