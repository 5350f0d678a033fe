"""A new collection from its first works, made by the encoders of another one; it grows by `Collection.add` from there."""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Mapping
from typing import Any

from artsim.collection import Collection
from artsim.embedding.embed_works import Prepared
from artsim.snapshot.state import Contents, make_space, metadata_table
from artsim.storage.manifest import Manifest

_TAKEN = ("id", "image", "sha256")


def own_columns(more: Mapping[str, Any], taken: Several[str]) -> dict[str, Any]:
    """The `datasets` features of a new collection: those that people fill in, and `more`, under names that are free.

    `taken`: names that its vectors have.
    """
    from datasets import List, Value

    text = Value("string")
    standard = {
        "title": text,
        "artist": text,
        "year": Value("int64"),
        "date": text,
        "medium": text,
        "culture": text,
        "tags": List(text),
        "url": text,
        "license": text,
    }
    free = {name: feature for name, feature in more.items() if name not in _TAKEN and name not in taken}
    return {"id": text, **standard, **free, "sha256": text}


def begin_collection(first: Prepared, like: Collection, *, title: str, columns: Mapping[str, Any]) -> Collection:
    """A collection of `first`, with the encoders and settings of `like`; not saved yet. `columns`: its features.

    Each work of `first` needs an `id`. Details cannot be searched for in it, whatever `like` was built with.
    """
    works = [{**work, "sha256": sha} for work, sha in zip(first.works, first.hashes, strict=True)]
    spaces = tuple(
        make_space(
            indexed.name,
            indexed.encoder,
            indexed.revision,
            indexed.columns,
            {aspect: first.vectors[indexed.name].blocks[aspect] for aspect in indexed.columns},
            parts=indexed.space.parts,
        )
        for indexed in like.contents.spaces
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
    return Collection(
        contents=Contents(metadata_table(works, columns), spaces, columns),
        pictures=lambda row: first.files[row](),
        manifest=manifest,
        folder=None,
        encoders={indexed.encoder: like.encoder(indexed.name) for indexed in like.contents.spaces},
    )
