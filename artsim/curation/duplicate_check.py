"""Duplicate check: whether a new picture is in a collection already, as the same file or as another reproduction.

The criteria are those of `artsim.analysis.duplicates`: embedding, perceptual hash and outlines must agree. Only the
nearest works by embedding are compared, so that a new picture costs a few decoded pictures and not the whole collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from artsim.analysis.duplicates import FURTHEST_HASH, SAME_OUTLINES, small_picture, unusually_alike
from artsim.analysis.edge_alignment import edge_alignment
from artsim.analysis.perceptual_hash import WINDOWS, distances, perceptual_hash, small_grey
from artsim.errors import ImageError
from artsim.snapshot.state import State

_NEAREST = 5


@dataclass(frozen=True)
class NewPicture:
    """The features of a new picture that are compared."""

    subject: np.ndarray
    """(d,) float32, its raw subject vector in the first space."""
    hashes: np.ndarray
    """(windows,) uint64, its perceptual hashes."""
    grey: Image.Image


def new_picture(image: Image.Image, subject: np.ndarray) -> NewPicture:
    return NewPicture(subject, perceptual_hash(image), small_grey(image))


def work_of_file(state: State, sha256: str) -> str | None:
    """The id of the work with this picture file; None if there is none, or the collection stores no hashes."""
    if "sha256" not in state.table.column_names:
        return None
    row = state.table.column("sha256").index(sha256).as_py()
    return None if row < 0 else state.table.column("id")[row].as_py()


def work_like(new: NewPicture, state: State, known: dict[str, np.ndarray]) -> str | None:
    """The id of a work that `new` reproduces, else None. `known`: cache of hashes by sha256, extended in place."""
    space = state.spaces[0]
    scores, rows = space.nearest_plain(new.subject, _NEAREST)
    for row in rows[unusually_alike(space.statistics.raw_pairs, scores)].tolist():
        hashes = _hashes_of(state, row, known)
        if _near(new, hashes) and edge_alignment(new.grey, small_grey(small_picture(state, row))) >= SAME_OUTLINES:
            return state.table.column("id")[row].as_py()
    return None


def new_picture_like(new: NewPicture, others: Mapping[str, NewPicture], state: State) -> str | None:
    """The name of another new picture, not in the collection yet, that `new` reproduces; else None."""
    for name, other in others.items():
        cosine = np.array([new.subject @ other.subject])
        alike = bool(unusually_alike(state.spaces[0].statistics.raw_pairs, cosine)[0])
        if alike and _near(new, other.hashes) and edge_alignment(new.grey, other.grey) >= SAME_OUTLINES:
            return name
    return None


def _near(new: NewPicture, hashes: np.ndarray) -> bool:
    return int(distances(new.hashes[None], hashes[None])[0]) <= FURTHEST_HASH


def _hashes_of(state: State, row: int, known: dict[str, np.ndarray]) -> np.ndarray:
    sha = state.table.column("sha256")[row].as_py() if "sha256" in state.table.column_names else None
    if sha is None or sha not in known:
        try:
            hashes = perceptual_hash(small_picture(state, row))
        except ImageError:  # a damaged picture matches nothing
            hashes = np.zeros(len(WINDOWS), np.uint64)
        if sha is None:
            return hashes
        known[sha] = hashes
    return known[sha]
