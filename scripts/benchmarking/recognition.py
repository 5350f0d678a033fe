"""Time of recognition beyond encoding, at any number of works: those of a real collection, again and again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from artsim.embedding.embedded_works import RecognitionVectors
from artsim.errors import ArtsimError
from artsim.evaluation.distortions import generator
from artsim.evaluation.museum_photographs import KINDS
from artsim.evaluation.recognition import EncodingTime
from artsim.images.decode import load_image
from artsim.opening import open_collection
from artsim.search.recognition import CANDIDATES
from artsim.search.timing import observe
from artsim.snapshot.recognition import Recognition


def measure_recognition_time(name: str, *, works: int, queries: int) -> Mapping[str, Any]:
    """Milliseconds beyond encoding of `queries` photographs of works, half of which are not in the collection.

    Each work is there several times, with its picture and slightly different codes.
    """
    collection = open_collection(name)
    recognition, n = collection.state.recognition, len(collection)
    if recognition is None or n < 2 * CANDIDATES:
        raise ArtsimError(
            f"{name} has too few works, or was built without recognition; give one of {2 * CANDIDATES} or more."
        )
    rng = np.random.default_rng(0)
    shown = rng.choice(collection.ids, min(queries, n), replace=False).tolist()
    taken = [
        kind(load_image(collection.picture(identity)), generator(0, identity)).image
        for identity, kind in zip(shown, [*KINDS] * queries, strict=False)
    ]
    collection.remove(shown[::2])
    kept = collection.state.recognition
    assert kept is not None
    rows = np.arange(max(works, len(collection))) % len(collection)
    codes = kept.codes.take(rows) + rng.normal(0, 12, (len(rows), kept.codes.dimension)).astype(np.float32)
    vectors = RecognitionVectors(np.clip(np.rint(codes), 0, 255).astype(np.uint8))
    table, pictures = collection.state.table.take(rows), collection.state.pictures.only(rows)
    collection.state = replace(collection.state, table=table, pictures=pictures, recognition=Recognition.of(vectors))
    encoding, milliseconds = EncodingTime(), []
    observe(encoding)
    collection.recognize(taken[0])  # warm up
    for image in taken:
        started, before = time.perf_counter(), encoding.seconds
        collection.recognize(image)
        milliseconds.append(1000 * (time.perf_counter() - started - (encoding.seconds - before)))
    low, high = np.percentile(milliseconds, [50, 95])
    print(f"{works:,} works: {low:.0f} ms beyond encoding (95 % in {high:.0f} ms), {len(taken)} photographs")
    return {"works": works, "queries": len(taken), "p50": round(float(low)), "p95": round(float(high))}
