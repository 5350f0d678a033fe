"""Recognition: is this very work in the collection, whatever stands around it in a photograph?

Vectors of several views of the photograph find candidates; local features of each decide, by the places that agree with one
perspective view of it. The rule was fitted on simulated photographs: see docs/recognition.md.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from PIL import Image

from artsim.embedding.embed_works import Recogniser
from artsim.encoders import load_recognition_encoder
from artsim.encoders.recognition_vectors import ENCODER, embed_views, views_of
from artsim.encoders.reproductions import LayoutEncoder
from artsim.errors import CollectionError, ImageError
from artsim.images.decode import ImageLike, load_image
from artsim.images.local_features import (
    PICTURE_SIDE,
    Agreement,
    LocalFeatures,
    features_of_photograph,
    features_of_picture,
    find_agreement,
    unpacked,
)
from artsim.search.match import Match
from artsim.search.query_vectors import SearchedCollection
from artsim.search.timing import timed
from artsim.snapshot.state import State

CANDIDATES = 20
ACCEPTED = 8
"""Places that agree, from which on a work is recognised."""
_SURE_PLACES, _SURE_SPAN = 16, 0.2  # places, and share of what is seen of the work: fewer may be those of a version
_MANY_PLACES = 70  # agree in no version that is known, wherever they are: dark portraits have places in a face alone
_SIDE = 1_600  # long side of a photograph at most
_THREADS = 2
_loading = threading.Lock()

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recognised:
    """A candidate that agrees with a photograph."""

    row: int
    agreement: Agreement


def recognize(collection: SearchedCollection, image: ImageLike) -> Match | None:
    """The work of the collection that a picture shows: framed, on a wall, at an angle, cut off; None if there is none.

    The match has `corners`, `places` and `version`; what searches compute (cosine, percentile, aspects) it lacks. Of several
    works that agree, such as versions of one composition, it is the one with the most places. Raises `ImageError`, or
    `CollectionError` if the collection was built without recognition.
    """
    with timed("search", "recognize"):
        state = collection.state
        check_recognition(state)
        return find_work(state, read_photograph(collection, image))


@dataclass(frozen=True)
class Photograph:
    """What works are recognised by in a photograph, in any collection: the vectors (v, 256) of its views, and its features."""

    vectors: np.ndarray
    features: LocalFeatures


def read_photograph(collection: SearchedCollection, image: ImageLike) -> Photograph:
    """Read a picture by the encoder of recognition, which a collection may have loaded. Raises `ImageError` or `EncoderError`."""
    picture = bounded_photograph(image)
    with ThreadPoolExecutor(1) as pool:
        features = pool.submit(features_of_photograph, picture)
        encoder, views = _encoder_for(collection), views_of(picture)
        with timed("encode", "image"):
            vectors = embed_views(encoder, views)
        return Photograph(vectors, features.result())


def find_work(state: State, photograph: Photograph) -> Match | None:
    """What `recognize` returns. The state can recognise: see `check_recognition`."""
    found = _verified_candidates(state, photograph)
    return _match(state, found) if found else None


def check_recognition(state: State) -> None:
    """Raises `CollectionError` unless the collection can recognise works."""
    if state.recognition is None:
        raise CollectionError(
            "This collection cannot recognise works in photographs: it was built without that, or by another version of "
            "artsim. Build it again."
        )


def recogniser(collection: SearchedCollection) -> Recogniser | None:
    """Makes what new works are recognised by; None if the collection recognises none."""
    recognition = collection.state.recognition
    if recognition is None:
        return None
    return Recogniser(_encoder_for(collection), features=recognition.features is not None)


def _encoder_for(collection: SearchedCollection) -> LayoutEncoder:
    """The encoder of recognition: that of a space, or one of its own, which all collections of this process share."""
    spaces = [space for space in collection.state.spaces if space.encoder == ENCODER]
    if spaces:
        return load_recognition_encoder([collection.encoder(spaces[0].name)])
    with _loading:
        return _load_own()


@cache
def _load_own() -> LayoutEncoder:
    return load_recognition_encoder()


def bounded_photograph(image: ImageLike) -> Image.Image:
    """A picture, decoded at most `_SIDE` pixels long."""
    photograph = load_image(image, short_side=_SIDE * 3 // 4)
    if max(photograph.size) > _SIDE:
        scale = _SIDE / max(photograph.size)
        size = max(1, round(photograph.width * scale)), max(1, round(photograph.height * scale))
        photograph = photograph.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return photograph


def _verified_candidates(state: State, photograph: Photograph) -> list[Recognised]:
    """The works that agree with a photograph in at least `ACCEPTED` places, those that most agree first."""
    assert state.recognition is not None
    rows = state.recognition.candidates(photograph.vectors, CANDIDATES).tolist()
    with ThreadPoolExecutor(_THREADS) as pool:
        agreements = list(pool.map(partial(_agreement, state, photograph.features), rows))
    found = [
        Recognised(row, agreement)
        for row, agreement in zip(rows, agreements, strict=True)
        if agreement is not None and agreement.places >= ACCEPTED
    ]
    return sorted(found, key=lambda item: -item.agreement.places)


def _agreement(state: State, photograph: LocalFeatures, row: int) -> Agreement | None:
    features = _features_of(state, row)
    return None if features is None else find_agreement(features, photograph)


def _features_of(state: State, row: int) -> LocalFeatures | None:
    """The local features of a work: stored where its picture is not, else made from it; None if that is damaged."""
    recognition = state.recognition
    if recognition is not None and recognition.features is not None:
        return unpacked(recognition.features.take(np.array([row]))[0])
    try:
        return features_of_picture(load_image(state.pictures(row), short_side=PICTURE_SIDE))
    except ImageError as error:
        log.warning("A work cannot be recognised: %s", error)
        return None


def _match(state: State, found: list[Recognised]) -> Match:
    best = found[0]
    places, span = best.agreement.places, best.agreement.span
    partial_only = places < _SURE_PLACES or (span < _SURE_SPAN and places < _MANY_PLACES)
    work: Mapping[str, object] = state.work(best.row)
    return Match(
        rank=1,
        id=str(work["id"]),
        score=1.0,
        cosine=math.nan,
        angular_distance=math.nan,
        percentile=math.nan,
        aspects={},
        aspect_percentiles={},
        close=True,
        encoder=ENCODER,
        work=work,
        row=best.row,
        corners=tuple((float(x), float(y)) for x, y in best.agreement.corners),
        places=best.agreement.places,
        version=len(found) > 1 or partial_only,
    )
