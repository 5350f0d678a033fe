"""Duplicate check: what a new picture is to a work of a collection, or to another new picture, if it shows the same work.

The criteria are those of `artsim.analysis.same_work`. Only the works nearest by subject, and by what works are recognised by,
are compared, so that a new picture costs a few decoded pictures and not the whole collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from artsim.analysis.picture_features import SIDE, PictureFeatures, read_features
from artsim.analysis.same_work import ComparedPicture, Relation, same_work
from artsim.encoders.recognition_vectors import restored
from artsim.errors import ImageError
from artsim.images.decode import load_image, read_file
from artsim.snapshot.state import State

_NEAREST = 5
KNOWN = 2_000  # works whose features are kept: 20 kB each


@dataclass(frozen=True, eq=False)
class NewPicture:
    """A new picture file and its vectors."""

    path: Path
    name: str
    subject: np.ndarray
    """(d,) float32, its raw subject vector in the first space."""
    code: np.ndarray | None = None
    """(256,) uint8, what it is recognised by, where the collection recognises works."""

    @cached_property
    def features(self) -> PictureFeatures:
        return read_features(read_file(self.path, name=self.name), self.name)

    def compared(self) -> ComparedPicture:
        return ComparedPicture(self.features, lambda: self._decoded(SIDE), lambda: self._decoded(None))

    def _decoded(self, short_side: int | None) -> Image.Image:
        return load_image(read_file(self.path, name=self.name), short_side=short_side, name=self.name)


@dataclass(frozen=True)
class ExistingWork:
    """A work by its id, and what the new picture is to it."""

    id: str
    relation: Relation


def work_of_file(state: State, sha256: str) -> ExistingWork | None:
    """The work with this picture file; None if there is none, or the collection stores no hashes."""
    if "sha256" not in state.table.column_names:
        return None
    row = state.table.column("sha256").index(sha256).as_py()
    return None if row < 0 else ExistingWork(state.table.column("id")[row].as_py(), "same file")


def work_like(new: NewPicture, state: State, known: dict[str, PictureFeatures]) -> ExistingWork | None:
    """The work that `new` shows, else None. `known`: features by the sha256 of files, extended in place."""
    _, rows = state.spaces[0].nearest_plain(new.subject, _NEAREST)
    if state.recognition is not None and new.code is not None:
        rows = np.concatenate([rows, state.recognition.candidates(restored(new.code[None]), _NEAREST)])
    for row in dict.fromkeys(rows.tolist()):
        try:
            same = same_work(_existing(state, row, known), new.compared())
        except ImageError:  # a damaged picture shows nothing
            continue
        if same is not None:
            return ExistingWork(state.table.column("id")[row].as_py(), same.relation)
    return None


def new_picture_like(new: NewPicture, others: Mapping[str, NewPicture]) -> ExistingWork | None:
    """Another new picture, by its name in `others`, not in the collection yet, that shows the same work; else None."""
    nearest = sorted(others, key=lambda name: -float(new.subject @ others[name].subject))[:_NEAREST]
    for name in nearest:
        same = same_work(others[name].compared(), new.compared())
        if same is not None:
            return ExistingWork(name, same.relation)
    return None


def _existing(state: State, row: int, known: dict[str, PictureFeatures]) -> ComparedPicture:
    name = state.table.column("id")[row].as_py()
    file = state.table.column("sha256")[row].as_py() if "sha256" in state.table.column_names else None

    def decoded(short_side: int | None) -> Image.Image:
        return load_image(state.pictures(row), short_side=short_side, name=name)

    features = known.get(file) if file is not None else None
    if features is None:
        features = read_features(state.pictures(row), name)
        if file is not None and len(known) < KNOWN:
            known[file] = features
    return ComparedPicture(features, lambda: decoded(SIDE), lambda: decoded(None))
