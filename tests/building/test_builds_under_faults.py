"""A build leaves the old collection or the new one, whatever fails: the injector over builds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from counting import Grid
from faults import every_fault
from PIL import Image

from artsim import build_collection, open_source
from artsim.building import checkpoint, pipeline, preparation
from artsim.collection import Collection
from artsim.encoders import load_recognition_encoder
from artsim.storage import pictures as picture_files
from artsim.storage.manifest import damaged_files


def content_of(folder: Path) -> list[object]:
    """The content of the collection in `folder`, all of whose files must be whole."""
    collection = Collection.from_folder(folder)
    assert not damaged_files(folder, collection.manifest, thorough=True)
    subject = collection.state.spaces[0].subject.all()
    return [collection.state.table.to_pylist(), [collection.picture(name) for name in collection.ids], subject.tolist()]


def try_faults_of_a_build(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, steps: int | None
) -> None:
    """Of eight works over three, in batches of two; small files of pictures are merged. A sweep builds with recognition, too."""
    options = {"limit": 8, "recognition": steps is None}
    monkeypatch.setattr(pipeline, "BATCH", 2)
    monkeypatch.setattr(checkpoint, "_MAX_SMALL", 2)
    monkeypatch.setattr(checkpoint, "FILE_BYTES", 20_000)
    monkeypatch.setattr(picture_files, "FILE_BYTES", 20_000)
    source = open_source(f"folder:{pictures}")
    (tmp_path / "before").mkdir()
    build_collection(source, Grid(), tmp_path / "before" / "collection", **{**options, "limit": 3})
    build_collection(source, Grid(), tmp_path / "made", **options)
    known = {"old": content_of(tmp_path / "before" / "collection"), "new": content_of(tmp_path / "made")}

    def state_of(folder: Path) -> str:
        found = content_of(folder / "collection")
        return next((name for name, expected in known.items() if found == expected), "half")

    every_fault(
        tmp_path / "before",
        lambda folder: build_collection(source, Grid(), folder / "collection", **options),
        state_of,
        tmp_path,
        steps=steps,
    )


@pytest.mark.slow
def test_a_build_is_there_or_not_whatever_fails(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_faults_of_a_build(pictures, tmp_path, monkeypatch, steps=5)


class Remembered:
    """The layouts of pictures as the encoder of recognition embeds them, each picture once."""

    def __init__(self) -> None:
        self._encoder, self._known = load_recognition_encoder(), {}

    def embed_layouts(self, images: Sequence[Image.Image]) -> np.ndarray:
        for image in images:
            if image.tobytes() not in self._known:
                self._known[image.tobytes()] = self._encoder.embed_layouts([image])[0]
        return np.stack([self._known[image.tobytes()] for image in images])


@pytest.mark.sweep
def test_a_build_is_there_or_not_wherever_it_fails(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = Remembered()
    monkeypatch.setattr(preparation, "load_recognition_encoder", lambda loaded: remembered)
    try_faults_of_a_build(pictures, tmp_path, monkeypatch, steps=None)
