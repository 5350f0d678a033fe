"""Small collections on disk, works to add to them, and all that a collection holds, for comparison."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_pictures import encode
from PIL import Image
from synthetic import DIMS, color_of

from artsim.collection import Collection
from artsim.embedding.embedded_works import EmbeddedWorks, SpaceVectors
from artsim.encoders.protocol import unit_rows
from artsim.snapshot import space, space_statistics
from artsim.storage.manifest import damaged_files


def compact_from(works: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let collections be compact from fewer works on, as small ones are quick."""
    monkeypatch.setattr(space, "COMPACT_FROM", works)
    monkeypatch.setattr(space_statistics, "COMPACT_FROM", works)


def works(*ids: str, spaces: int = 1) -> EmbeddedWorks:
    """New works for `Collection.add`, with random vectors that depend on their ids."""
    vectors = {}
    for number in range(spaces):
        rngs = [np.random.default_rng([*identity.encode(), number]) for identity in ids]
        blocks = {aspect: unit_rows(np.stack([1 + rng.normal(size=d) for rng in rngs])) for aspect, d in DIMS.items()}
        vectors[f"space-{number}"] = SpaceVectors(blocks)
    pictures = [
        partial(encode, Image.new("RGB", (48, 32), color_of(sum(identity.encode()))), "PNG") for identity in ids
    ]
    return EmbeddedWorks(tuple({"id": identity} for identity in ids), tuple(pictures), ("",) * len(ids), vectors)


def content(collection: Collection) -> list[Any]:
    """All that users may see of a collection."""
    state = collection.state
    found = [[match.id for match in collection.search(work=identity, k=5)] for identity in collection.ids[:3]]
    pictures = (
        [collection.picture(identity) for identity in collection.ids] if collection.manifest.embeds_pictures else []
    )
    subjects = [[round(float(x), 3) for x in one.plain(np.arange(len(state)))[:, 0]] for one in state.spaces]
    return [collection.manifest.title, state.table.to_pylist(), pictures, subjects, found]


def content_of(folder: Path) -> list[Any]:
    """The content of the collection in `folder`, all of whose files must be whole."""
    collection = Collection.from_folder(folder)
    assert not damaged_files(folder, collection.manifest, thorough=True)
    return content(collection)


def files_in(folder: Path) -> set[str]:
    """The files of a collection but its manifest, card and lock."""
    return {path.relative_to(folder).as_posix() for path in folder.glob("*/**/*") if path.is_file()}
