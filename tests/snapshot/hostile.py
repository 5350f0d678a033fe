"""A small collection with all that one can hold, and everything that a visitor or its owner may do with it."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from collections_on_disk import compact_from
from synthetic import make_collection

from artsim.collection import Collection
from artsim.embedding.embedded_works import RecognitionVectors
from artsim.encoders.recognition_vectors import DIMENSION
from artsim.search.query import Part
from artsim.snapshot.facets import choose_facets
from artsim.snapshot.recognition import Recognition
from artsim.ui.api.schemas import collection_answer, match_answer, work_answer


def make(folder: Path, kind: str) -> Path:
    """A collection of 45 works with regions, recognition and removed rows, kept whole ("exact") or "compact"."""
    with pytest.MonkeyPatch.context() as patch:
        if kind == "compact":
            compact_from(20, patch)
        collection = make_collection(regions=True)
        codes = np.random.default_rng(1).integers(0, 256, (len(collection), DIMENSION), np.uint8)
        recognition = Recognition.of(RecognitionVectors(codes, None))
        collection.state = dataclasses.replace(collection.state, recognition=recognition)
        collection.save(folder)
        collection.remove(["work-1-1", "work-3-2"])
        collection.save()
    return folder


def use(folder: Path) -> None:
    """Open the collection in `folder`, and do with it what its pages, its API and its owner do."""
    collection = Collection.from_folder(folder)
    if not len(collection):
        return
    first, last = collection.ids[0], collection.ids[-1]
    weights = {"subject": 1.0, "color": 0.5}
    answers = [collection.search(work=first, k=5, ranking=ranking) for ranking in ("tuned", "likeness", "cosine")]
    answers += [
        collection.search(work=last, k=3, aspects=weights),
        collection.search(text="Study", text_mode="metadata"),
    ]
    answers.append(collection.search(parts=[Part(work=first), Part(work=last, weight=-0.5)], other=("artist",)))
    if (regions := collection.state.spaces[0].regions) is not None:
        scores, _ = regions.index.search(regions.of_works(np.arange(1))[0], 3)
        assert np.isfinite(scores).all()
    for found in answers:
        for match in found:
            match_answer(match, collection).model_dump_json()
            assert math.isfinite(match.score or 0)
    collection_answer(collection, tuple(choose_facets(collection.state)), reads_text=None).model_dump_json()
    for identity in (first, last):
        json.dumps(work_answer(collection.work(identity), collection).model_dump(mode="json"), allow_nan=False)
    if collection.manifest.embeds_pictures:
        collection.picture(last)
    if (recognition := collection.state.recognition) is not None:
        recognition.candidates(np.ones((2, recognition.codes.dimension), np.float32), 3)
    collection.suggest("Art")
    collection.map()
    collection.remove([first])
    collection.edit(last, {"title": "Another"})
    collection.save()
    Collection.from_folder(folder)
