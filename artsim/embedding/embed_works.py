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
from artsim.embedding.embedded_works import EmbeddedWorks, RecognitionVectors, SpaceVectors
from artsim.embedding.vector_columns import FEATURES_COLUMN, RECOGNITION_COLUMN
from artsim.encoders.color import embed_colors
from artsim.encoders.protocol import Blocks, Encoder
from artsim.encoders.recognition_vectors import ENCODER, codes_of
from artsim.encoders.region_vectors import embed_with_regions, rounded
from artsim.encoders.reproductions import LayoutEncoder
from artsim.images.local_features import PACKED, features_of_picture, packed

Vectors = Mapping[str, np.ndarray]
"""Vectors of some pictures (n, d each), by aspect, and their concatenated region vectors as "regions"."""

TakeRows = Callable[[np.ndarray], np.ndarray]
"""Row numbers (m,) -> stored vectors (m, d)."""


@dataclass(frozen=True)
class KnownVectors:
    """Vectors that are stored already and need not be computed again."""

    rows: Mapping[str, int] = field(default_factory=dict)
    """The sha256 of a picture file -> the row of its vectors."""
    spaces: Mapping[str, Mapping[str, TakeRows]] = field(default_factory=dict)
    """Space name -> the vectors of a picture by aspect, and "regions"; for one of `compact`, "subject", "codes", "regions"."""
    palettes: Mapping[str, TakeRows] = field(default_factory=dict)
    """The aspect `color`, which all encoders share."""
    compact: Mapping[str, Callable[[Vectors], Vectors]] = field(default_factory=dict)
    """Space name -> what is stored of raw vectors, `color` among them, where a compact space keeps what was fitted."""
    recognition: Mapping[str, TakeRows] = field(default_factory=dict)
    """The columns of the group `recognition`."""


@dataclass(frozen=True)
class Recogniser:
    """Makes what works are recognised by; with `features`, also local features, where pictures are not kept."""

    encoder: LayoutEncoder
    features: bool = False

    def __call__(self, images: Sequence[Image.Image], layouts: np.ndarray | None) -> Vectors:
        """The columns of the group `recognition`. `layouts`: those of the pictures, if the encoder made them already."""
        codes = {RECOGNITION_COLUMN: codes_of(self.encoder.embed_layouts(images) if layouts is None else layouts)}
        if not self.features:
            return codes
        features = [packed(features_of_picture(image)) for image in images]
        return {**codes, FEATURES_COLUMN: np.array(features, np.uint8).reshape(-1, PACKED)}


def embed_works(
    works: Sequence[DecodedWork],
    encoders: Mapping[str, Encoder],
    *,
    regions: Collection[str] = (),
    recogniser: Recogniser | None = None,
    known: KnownVectors | None = None,
) -> EmbeddedWorks:
    """Embed works with every encoder. A picture whose hash is in `known` is not embedded again.

    `encoders`: by space name; `regions`: names of the spaces that keep region vectors; `recogniser`: None if the collection
    recognises no works.
    """
    if not works:
        return EmbeddedWorks((), (), (), {})
    known = known or KnownVectors()
    rows = [known.rows.get(item.sha256) for item in works]
    palettes: Vectors = {}
    if not encoders.keys() <= known.compact.keys():
        palettes = _embed_unknown(works, rows, known.palettes, lambda unknown: _embed_palettes(_seen(unknown)))
    vectors = {}
    for name, encoder in encoders.items():
        embed = partial(_embed_all, encoder, with_regions=name in regions, compact=known.compact.get(name))
        found = _embed_unknown(works, rows, known.spaces.get(name, {}), embed)
        if name in known.compact:
            blocks: Blocks = {"subject": found["subject"]}
            vectors[name] = SpaceVectors(blocks, codes=found["codes"], region_codes=found.get("regions"))
        else:
            region_vectors = found.pop("regions", None)
            blocks = {**found, **palettes}  # type: ignore[dict-item]
            vectors[name] = SpaceVectors(blocks, region_vectors)
    recognition = None
    if recogniser is not None:
        columns = _embed_unknown(
            works, rows, known.recognition, partial(_recognised_by, recogniser, _layouts(works, encoders, vectors))
        )
        recognition = RecognitionVectors(columns[RECOGNITION_COLUMN], columns.get(FEATURES_COLUMN))
    return EmbeddedWorks(
        tuple(item.work for item in works),
        tuple(item.read for item in works),
        tuple(item.sha256 for item in works),
        vectors,
        recognition,
    )


def _layouts(
    works: Sequence[DecodedWork], encoders: Mapping[str, Encoder], vectors: Mapping[str, SpaceVectors]
) -> dict[str, np.ndarray] | None:
    """The layouts that the embedded encoder has made, by the hash of the picture; None if it made none."""
    for name, encoder in encoders.items():
        if encoder.id == ENCODER and "layout" in vectors[name].blocks:
            return dict(zip((item.sha256 for item in works), vectors[name].blocks["layout"], strict=True))
    return None


def _recognised_by(
    recogniser: Recogniser, layouts: Mapping[str, np.ndarray] | None, works: Sequence[DecodedWork]
) -> Vectors:
    known = None if layouts is None else np.stack([layouts[item.sha256] for item in works])
    return recogniser(_seen(works), known)


def _seen(works: Sequence[DecodedWork]) -> list[Image.Image]:
    return [item.seen for item in works]


def _embed_palettes(images: Sequence[Image.Image]) -> Vectors:
    return {"color": embed_colors(images)}


def _embed_all(
    encoder: Encoder,
    works: Sequence[DecodedWork],
    *,
    with_regions: bool,
    compact: Callable[[Vectors], Vectors] | None,
) -> Vectors:
    """The vectors of works: the encoder's aspects, and "regions" if requested, each (n, d); or what `compact` makes of it."""
    images = _seen(works)
    if with_regions:
        blocks, regions = embed_with_regions(encoder, images)
        cut = [number for number, item in enumerate(works) if item.seen is not item.image]
        if cut:  # regions are places in the picture that people see
            _, regions[cut] = embed_with_regions(encoder, [works[number].image for number in cut])
        found: dict[str, np.ndarray] = {"regions": rounded(regions.reshape(len(images), -1))}
    else:
        blocks, found = encoder.embed_images(images), {}
    found |= {str(aspect): block for aspect, block in blocks.items()}
    return found if compact is None else compact({**found, **_embed_palettes(images)})


def _embed_unknown(
    works: Sequence[DecodedWork],
    rows: Sequence[int | None],
    known: Mapping[str, TakeRows],
    embed: Callable[[Sequence[DecodedWork]], Vectors],
) -> dict[str, np.ndarray]:
    """The vectors of all works (n, d each): those in `known` of works that have a row there, the others by `embed`."""
    unknown = [number for number, row in enumerate(rows) if row is None or not known]
    if len(unknown) == len(works):
        return dict(embed(works))
    embedded = embed([works[number] for number in unknown]) if unknown else {}
    before = [number for number, row in enumerate(rows) if row is not None]
    places = np.array([rows[number] for number in before])
    vectors = {}
    for name, take in known.items():
        stored = take(places)
        vectors[name] = np.empty((len(works), stored.shape[1]), stored.dtype)
        vectors[name][before] = stored
        if unknown:
            vectors[name][unknown] = embedded[name]
    return vectors
