"""What makes the vectors of a build: the encoders, and the palette that all of them share.

One picture is decoded once and shown to each. What the old collection holds of a picture, by the hash of its file, is
taken from there: embedded once is enough, for every encoder by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from artsim.encoders import ASPECTS, Aspect, Encoder
from artsim.encoders.color import DIMS, embed_colors
from artsim.encoders.region_vectors import REGIONS, embed_with_regions, region_dim
from artsim.errors import EncoderError
from artsim.snapshot.region_index import rounded
from artsim.snapshot.state import State

_RESERVED = ("auto", "fusion")  # what a search may be told instead of an encoder's name

Known = Mapping[str, Mapping[str, np.ndarray]]
"""Picture hash -> raw vectors of it, by aspect; those of its regions, one after the other, as "regions"."""


@dataclass(frozen=True)
class Maker:
    """Pictures -> some embedding columns."""

    columns: Mapping[str, str]
    """Aspect, or "regions" -> the name of the column."""
    embed: Callable[[Sequence[Image.Image]], Mapping[str, np.ndarray]]
    known: Known

    def vectors(self, images: Sequence[Image.Image], hashes: Sequence[str]) -> dict[str, np.ndarray]:
        """Column -> (n, d) float32, row i for the picture i with the hash i, which is not embedded if it is known."""
        fresh = [number for number, sha in enumerate(hashes) if sha not in self.known]
        blocks = self.embed([images[number] for number in fresh]) if fresh else {}
        place = {number: position for position, number in enumerate(fresh)}
        return {
            column: np.stack(
                [
                    blocks[aspect][place[number]] if number in place else self.known[sha][aspect]
                    for number, sha in enumerate(hashes)
                ]
            ).astype(np.float32)
            for aspect, column in self.columns.items()
        }


def make_makers(encoders: Mapping[str, Encoder], old: State | None, *, regions: bool) -> tuple[Maker, ...]:
    """The makers of all columns: of each encoder, by the name of its space, and of the palette. `old`: what is known."""
    makers = []
    for name, encoder in encoders.items():
        columns: dict[str, str] = {a: column for a, column in vector_columns(name).items() if a != "color"}
        if regions:
            columns["regions"] = region_column(name)
        known = {} if old is None else _known_vectors(old, encoder, regions=regions)
        makers.append(Maker(columns, partial(_embed, encoder, regions=regions), known))
    palette = {"color": vector_columns("")["color"]}
    return (*makers, Maker(palette, _embed_palettes, {} if old is None else _known_palettes(old)))


def _embed_palettes(images: Sequence[Image.Image]) -> dict[str, np.ndarray]:
    return {"color": embed_colors(images)}


def _embed(encoder: Encoder, images: Sequence[Image.Image], *, regions: bool) -> dict[str, np.ndarray]:
    """What the encoder makes of pictures: aspects, and if wanted "regions", each (n, d)."""
    found: dict[str, np.ndarray] = {}
    if regions:
        blocks, vectors = embed_with_regions(encoder, images)
        found["regions"] = rounded(vectors.reshape(len(images), -1))
    else:
        blocks = encoder.embed_images(images)
    found |= {str(aspect): block for aspect, block in blocks.items()}
    return found


def _known_vectors(old: State, encoder: Encoder, *, regions: bool) -> Known:
    """What the same encoder made for the old collection; nothing where `regions` are wanted and there are no such ones."""
    for space in old.spaces:
        dims = {aspect: dimension for aspect, dimension in space.statistics.raw_dims.items() if aspect != "color"}
        if (space.encoder, space.revision) == (encoder.id, encoder.revision) and dims == dict(encoder.dims):
            vectors: dict[str, np.ndarray] = {a: space.load_vectors(space.columns[a]) for a in dims}
            if regions:
                if space.regions is None or space.regions.boxes != REGIONS:
                    return {}
                vectors["regions"] = space.regions.raw()
            return _by_hash(old, vectors)
    return {}


def _known_palettes(old: State) -> Known:
    columns = [space.columns["color"] for space in old.spaces if space.statistics.raw_dims.get("color") == DIMS]
    return _by_hash(old, {"color": old.spaces[0].load_vectors(columns[0])}) if columns else {}


def _by_hash(old: State, vectors: Mapping[str, np.ndarray]) -> Known:
    if "sha256" not in old.schema:
        return {}
    hashes = old.table.column("sha256").to_pylist()
    return {sha: {name: block[row] for name, block in vectors.items()} for row, sha in enumerate(hashes) if sha}


def name_spaces(encoders: Sequence[Encoder]) -> dict[str, Encoder]:
    """Encoders by the names of their spaces, in their order; two of one name are numbered: `vit`, `vit-2`.

    `EncoderError` when there is none, or one of them is given twice.
    """
    if not encoders:
        raise EncoderError("Give at least one encoder.")
    named: dict[str, Encoder] = {}
    seen: set[tuple[str, str]] = set()
    for encoder in encoders:
        if (encoder.id.rstrip("/"), encoder.revision) in seen:
            raise EncoderError(f"The encoder {encoder.id} is given twice; give each encoder once.")
        seen.add((encoder.id.rstrip("/"), encoder.revision))
        name = space_name(encoder.id)
        names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        named[next(free for free in names if free not in named and free not in _RESERVED)] = encoder
    return named


def space_name(encoder_id: str) -> str:
    """A short name for files and columns: `openai/clip-vit-base-patch16` -> `clip-vit-base-patch16`."""
    name = encoder_id.rstrip("/").split("/")[-1].lower()
    return "".join(character if character.isalnum() else "-" for character in name).strip("-") or "encoder"


def vector_columns(space: str) -> dict[Aspect, str]:
    """The name of each aspect's embedding column; `color` does not depend on the encoder."""
    prefix = space.replace("-", "_")
    return {aspect: "palette_color" if aspect == "color" else f"{prefix}_{aspect}" for aspect in ASPECTS}


def region_column(space: str) -> str:
    """The name of the embedding column of the regions."""
    return f"{space.replace('-', '_')}_regions"


def column_dims(encoders: Mapping[str, Encoder], *, regions: bool) -> dict[str, int]:
    """Length of the vectors in each embedding column; encoders by the names of their spaces."""
    dims: dict[str, int] = {}
    for name, encoder in encoders.items():
        lengths = vector_dims(encoder)
        dims |= {column: lengths[aspect] for aspect, column in vector_columns(name).items()}
        if regions:
            dims[region_column(name)] = len(REGIONS) * region_dim(encoder)
    return dims


def vector_dims(encoder: Encoder) -> dict[Aspect, int]:
    """Length of the vector of each aspect, the palette's among them."""
    dims: dict[Aspect, int] = {**encoder.dims, "color": DIMS}
    return {aspect: dims[aspect] for aspect in ASPECTS}
