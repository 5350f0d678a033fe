"""Embed the parts of a query, with a cache: a picture is not embedded again when only the weights change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from PIL import Image

from artsim.embedding.decoded_works import decode_side
from artsim.embedding.preprocessing import decode_picture
from artsim.encoders import embed
from artsim.encoders.precision import for_queries
from artsim.encoders.protocol import Blocks, Encoder, Precision
from artsim.encoders.region_vectors import embed_details
from artsim.encoders.reproductions import embed_reproductions
from artsim.images.decode import ImageLike, read_file
from artsim.images.quadrilaterals import find_quadrilaterals, straighten
from artsim.search.encoder_sharing import Batches, SingleFlight
from artsim.search.query import Part
from artsim.search.timing import timed
from artsim.snapshot.space import Space
from artsim.snapshot.state import State

_IN_DIGEST = ("exif", "icc_profile", "transparency")  # beside its pixels, what tells how a PIL picture looks
_RECENT = 64  # pictures and texts whose vectors are cached: some 30 kB each

Embedded = TypeVar("Embedded")


class SearchedCollection(Protocol):
    """What a function that searches needs of a collection. Implemented by `artsim.Collection`, which documents the methods."""

    state: State
    query_embedding: QueryEmbedding

    def picture(self, identity: str) -> bytes: ...

    def encoder(self, name: str | None = None) -> Encoder: ...


class QueryEmbedding:
    """Embeds the parts of queries as raw vectors. Thread-safe; concurrent calls share the encoder: see `encoder_sharing`.

    `encoder` loads on first use and returns the encoder of a space by name, `picture` the picture of a work by id.
    """

    def __init__(self, encoder: Callable[[str], Encoder], picture: Callable[[str], bytes]) -> None:
        self._encoder, self._picture = encoder, picture
        self.precision: Precision | None = None
        """In which queries are computed; None: see `artsim.encoders.precision.for_queries`."""
        self._made_for_queries: dict[tuple[int, Precision | None], Encoder] = {}
        self._recent: dict[Hashable, Any] = {}
        self._flights: SingleFlight[Any] = SingleFlight()
        self._batches: dict[tuple[int, str], Batches[Any]] = {}

    def share(self, other: QueryEmbedding) -> None:
        """From now on, what this and `other` are both asked is embedded once, where encoder, revision and precision are equal."""
        self._made_for_queries, self._recent = other._made_for_queries, other._recent
        self._flights, self._batches = other._flights, other._batches

    def images(self, space: Space, parts: Sequence[Part], *, reproductions: bool = False) -> Blocks:
        """`reproductions`: embed the layout for finding the same work, whatever frame or wall is around it."""
        rows = [self._embed(space, part, embed) for part in parts]
        blocks = {aspect: np.concatenate([row[aspect] for row in rows]) for aspect in rows[0]}
        if reproductions:
            blocks["layout"] = np.concatenate([self._embed(space, part, embed_reproductions) for part in parts])
        return blocks

    def details(self, space: Space, parts: Sequence[Part]) -> np.ndarray:
        """(p, d) float32 unit rows, comparable with the regions of works."""
        return np.concatenate([self._embed(space, part, embed_details) for part in parts])

    def views(self, space: Space, part: Part) -> np.ndarray:
        """(v, d): the raw subjects of what quadrilaterals in a picture show, straightened: works on walls, in frames."""
        return self._embed(space, part, embed_views, together=False)

    def texts(self, space: Space, texts: Sequence[str]) -> np.ndarray:
        """(t, d) float32 unit rows. Raises `EncoderError` if the encoder embeds no texts."""
        encoder = self._for_queries(space)

        def make() -> np.ndarray:
            with timed("encode", "text"):
                return encoder.embed_texts(texts)

        return self._once(("texts", *self._made_by(space), tuple(texts)), make)

    def embeds_text(self, space: Space) -> bool:
        return self._encoder(space.name).embeds_text

    def _for_queries(self, space: Space) -> Encoder:
        encoder = self._encoder(space.name)
        key = id(encoder), self.precision
        if key not in self._made_for_queries:
            self._made_for_queries[key] = for_queries(encoder, self.precision)
        return self._made_for_queries[key]

    def _embed(
        self,
        space: Space,
        part: Part,
        embed_pictures: Callable[[Encoder, Sequence[Image.Image]], Embedded],
        *,
        together: bool = True,
    ) -> Embedded:
        """The result of `embed_pictures` for one picture. `together`: it has one row for each picture."""
        source, name = _read_source(self._picture(part.work) if part.work is not None else part.image, part.work)
        made_with = f"{embed_pictures.__name__} {space.preprocessing}"

        def make() -> Embedded:
            encoder = self._for_queries(space)
            side, preprocessing = decode_side([encoder]), space.preprocessing
            picture = decode_picture(source, side=side, preprocessing=preprocessing, region=part.region, name=name)
            with timed("encode", "image"):
                if together:
                    return self._batches_of(encoder, embed_pictures).embed(picture.seen)
                return embed_pictures(encoder, [picture.seen])

        return self._once((made_with, *self._made_by(space), part.region, _digest(source)), make)

    def _made_by(self, space: Space) -> tuple[Hashable, ...]:
        """What identifies the encoder of a space, beside the name of what it computes."""
        return space.encoder, space.revision, space.precision, self.precision

    def _once(self, key: Hashable, make: Callable[[], Embedded]) -> Embedded:
        """The result of `make`, or the one of the same key, from the cache or a concurrent call."""

        def look_up() -> Embedded:
            if (made := self._recent.get(key)) is not None:
                return made
            made = make()
            for oldest in list(self._recent)[: max(0, len(self._recent) - _RECENT + 1)]:
                self._recent.pop(oldest, None)
            self._recent[key] = made
            return made

        return self._flights.run(key, look_up)

    def _batches_of(
        self, encoder: Encoder, embed_pictures: Callable[[Encoder, Sequence[Image.Image]], Embedded]
    ) -> Batches[Embedded]:
        def embed_rows(pictures: Sequence[Image.Image]) -> list[Embedded]:
            vectors = embed_pictures(encoder, pictures)
            return [_row(vectors, row) for row in range(len(pictures))]

        return self._batches.setdefault((id(encoder), embed_pictures.__name__), Batches(embed_rows))


def _row(vectors: Any, row: int) -> Any:
    """One row (1, d) of an array, or of each block. A copy: a batch is larger than the cache shall be."""
    if isinstance(vectors, dict):
        return {aspect: rows[row : row + 1].copy() for aspect, rows in vectors.items()}
    return vectors[row : row + 1].copy()


def embed_views(encoder: Encoder, images: Sequence[Image.Image]) -> np.ndarray:
    """(v, d): the raw subjects of the quadrilaterals in `images`, at most four each."""
    views = [straighten(image, corners) for image in images for corners in find_quadrilaterals(image)]
    return encoder.embed_images(views)["subject"] if views else np.zeros((0, encoder.dims["subject"]), np.float32)


def _read_source(source: ImageLike | None, work: str | None) -> tuple[bytes | Image.Image, str | None]:
    """The picture as bytes or PIL image, and its name for messages."""
    assert source is not None  # `check_query` rejects parts without a picture
    if isinstance(source, bytes | Image.Image):
        return source, work
    return read_file(source), str(source)


def _digest(source: bytes | Image.Image) -> bytes:
    if isinstance(source, bytes):
        return hashlib.sha256(source).digest()
    return hashlib.sha256(
        repr((source.mode, source.size, *map(source.info.get, _IN_DIGEST))).encode() + source.tobytes()
    ).digest()
