"""Scores of different collections are comparable: an altered copy of a work of one is found there first, not in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim import Federation, build_collection, open_source
from artsim.collection import Collection
from artsim.evaluation.distortions import cropped, framed, generator, jpeg_30, phone
from artsim.images.decode import load_image

ART_EVAL = Path(__file__).resolve().parents[3] / "shared" / "art-eval"
QUERIES = 30  # works of each collection
ALTERATIONS = (cropped, framed, jpeg_30, phone)


def first_matches(federation: Federation, preset: str) -> dict[str, np.ndarray]:
    """Shares of the altered copies (collections, alterations): whose first match is from the right collection; is the right
    work; would be the right work in that collection alone."""
    shares = {name: np.zeros((len(federation.collections), len(ALTERATIONS))) for name in ("whose", "work", "alone")}
    for row, (name, collection) in enumerate(federation.collections.items()):
        ids = collection.ids[:: len(collection) // QUERIES][:QUERIES]
        for column, alter in enumerate(ALTERATIONS):
            for identity in ids:
                original = load_image(collection.picture(identity), short_side=640)
                picture = alter(original, generator(0, identity, alter.__name__))
                found = federation.search(image=picture, k=1, preset=preset, timeout=600)
                alone = collection.search(image=picture, k=1, preset=preset)
                shares["whose"][row, column] += found[0].collection == name
                shares["work"][row, column] += (found[0].collection, found[0].id) == (name, identity)
                shares["alone"][row, column] += alone[0].id == identity
        for values in shares.values():
            values[row] /= len(ids)
    return shares


@pytest.mark.sweep
@pytest.mark.skipif(not ART_EVAL.is_dir(), reason="needs the paintings of ../shared/art-eval")
@pytest.mark.parametrize("preset", ["balanced", "same-work"])
def test_an_altered_copy_is_found_in_its_own_collection(
    preset: str, embedded: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.getbasetemp() / "scores"

    def made(name: str, source: str) -> Collection:
        if (base / name).is_dir():
            return Collection.from_folder(base / name)
        return build_collection(open_source(source), embedded, base / name, recognition=False)

    federation = Federation({"met": made("met", "met"), "art-eval": made("art-eval", f"folder:{ART_EVAL}")})
    shares = first_matches(federation, preset)
    for what, values in shares.items():
        print(preset, what, f"{values.mean():.3f}")
        for name, row in zip(federation.collections, values, strict=True):
            print(" ", name, *(f"{alter.__name__} {share:.3f}" for alter, share in zip(ALTERATIONS, row, strict=True)))
    assert shares["whose"].mean() >= 0.8
    assert shares["work"].mean() >= shares["alone"].mean() - 0.07
