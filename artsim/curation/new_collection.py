"""Create a collection from its first works, with the encoders of another one; `Collection.add` extends it later."""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from artsim.collection import Collection
from artsim.columns import features
from artsim.embedding.embedded_works import EmbeddedWorks
from artsim.index import Rows
from artsim.snapshot.recognition import Recognition
from artsim.snapshot.space import make_space
from artsim.snapshot.state import State, metadata_table
from artsim.snapshot.years import dated_features
from artsim.storage.manifest import Manifest
from artsim.storage.metadata import HIDDEN
from artsim.storage.pictures import NewPictures, Pictures

_RESERVED = ("id", "image", "sha256", *HIDDEN)
_STANDARD = "title artist year date medium culture tags url license".split()


def own_columns(more: Mapping[str, Any], taken: Several[str]) -> dict[str, Any]:
    """The `datasets` features of a new collection: the standard columns, and those of `more` whose names are free.

    `taken`: the names of its vector columns.
    """
    free = {name: feature for name, feature in more.items() if name not in _RESERVED and name not in taken}
    return {**dated_features({**features(("id", *_STANDARD)), **free}), **features(["sha256"])}


def begin_collection(first: EmbeddedWorks, like: Collection, *, title: str, columns: Mapping[str, Any]) -> Collection:
    """A new, unsaved collection of `first`, with the encoders and settings of `like`. `columns`: its features.

    Each work of `first` needs an `id`. The collection has no regions for detail search, even if `like` has.
    """
    works = [{**work, "sha256": sha} for work, sha in zip(first.works, first.hashes, strict=True)]
    spaces = tuple(
        replace(
            make_space(
                space.name,
                space.encoder,
                space.revision,
                {aspect: Rows.of(block) for aspect, block in first.vectors[space.name].blocks.items()},
                segments=space.statistics.segments,
            ),
            preprocessing=space.preprocessing,
            precision=space.precision,
        )
        for space in like.state.spaces
    )
    manifest = Manifest(
        title=title,
        rows=0,
        source={"name": "own", "homepage": "", "description": ""},
        license="unknown",
        created="",
        images="bytes",
        spaces=(),
    )
    recognition = None if first.recognition is None else Recognition.of(first.recognition)
    pictures = Pictures.of(NewPictures(first.files))
    return Collection(
        state=State(metadata_table(works, columns), spaces, columns, pictures, recognition),
        manifest=manifest,
        folder=None,
        encoders={space.encoder: like.encoder(space.name) for space in like.state.spaces},
    )
