"""Which works an encoder is trained on, by which it is chosen, and by which it is judged.

70 % of the works train, 15 % are for choosing (when to stop, how far to go), 15 % for the report. "stratified": drawn class by
class. "artist": whole artists are drawn, so that the report says how the encoder does with artists it has never seen; a tenth
of the works of the training artists is then set aside as well, for how it does with new works by artists it knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from artsim.errors import TrainingError
from artsim.finetuning.recipe import Recipe
from artsim.finetuning.works import LabelledWorks

Part = Literal["training", "validation", "test", "aside"]
PARTS: tuple[Part, ...] = ("training", "validation", "test", "aside")
SHARES = (0.70, 0.15, 0.15)
_ASIDE = 0.1  # of the works of training artists with at least so many:
_MANY = 5
_WHOLE_SET = 0.1  # how much the parts' sizes count beside the sizes of their classes when artists are dealt out


@dataclass(frozen=True)
class WorkSplit:
    kind: Literal["stratified", "artist"]
    parts: np.ndarray
    """(n,) int: the place in `PARTS` of each work's part."""

    def rows(self, *parts: Part) -> np.ndarray:
        return np.flatnonzero(np.isin(self.parts, [PARTS.index(part) for part in parts]))

    def hash(self, works: LabelledWorks) -> str:
        """Names this split: the same works in the same parts have the same hash."""
        lines = [f"{identity}\0{part}\n" for identity, part in zip(works.ids, self.parts.tolist(), strict=True)]
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


def split_works(works: LabelledWorks, recipe: Recipe) -> WorkSplit:
    """Seeded. `TrainingError` when artists are to be kept apart and there are too few of them."""
    rng = np.random.default_rng([recipe.seed, 2])
    enough = works.artists is not None and len(set(works.artists.tolist())) >= 3 * len(works.classes) > 0
    kind: Literal["stratified", "artist"]
    kind = ("artist" if enough else "stratified") if recipe.split == "auto" else recipe.split
    if kind == "stratified":
        return WorkSplit(kind, _stratified(works.labels, rng))
    if works.artists is None:
        raise TrainingError(
            f"The works have no column {recipe.artist!r}, so artists cannot be kept apart: --split stratified."
        )
    parts = _by_artist(works.labels, works.artists, SHARES, rng)
    _set_aside(parts, works.artists, rng)
    empty = [name for place, name in enumerate(PARTS[:3]) if len(set(works.labels[parts == place].tolist())) < 2]
    if empty:
        raise TrainingError(
            f"There are too few artists to keep them apart: the {empty[0]} part would have works of fewer than two "
            f"classes. Give more works, or --split stratified."
        )
    return WorkSplit(kind, parts)


def artist_folds(labels: np.ndarray, artists: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) int: which of `count` folds each work is in; an artist's works are in one, and each fold has its share of the
    artists of every class, so that in each fold most works have another artist's to be found by. Classes without an artist in
    every fold are in some only."""
    names, owner, sizes = np.unique(artists, return_inverse=True, return_counts=True)
    usual = np.array(
        [np.bincount(labels[owner == place]).argmax() for place in range(len(names))]
    )  # each artist's class
    fold_of, works = np.zeros(len(names), int), np.zeros(count)
    for label in np.argsort(-np.bincount(usual), kind="stable"):
        have = np.zeros(count)
        for place in rng.permutation(np.flatnonzero(usual == label)):
            fold = min(range(count), key=lambda fold: (have[fold], works[fold]))
            have[fold] += 1
            works[fold] += sizes[place]
            fold_of[place] = fold
    return fold_of[owner]


def held_out(works: LabelledWorks, fold: np.ndarray, rng: np.random.Generator) -> WorkSplit:
    """The works where `fold` (n,) bool is true as the test part; of the others an artist-disjoint share is for choosing."""
    if works.artists is None:
        raise TrainingError("The works have no artists, so none can be held out.")
    parts = np.full(len(works), PARTS.index("test"))
    rest = np.flatnonzero(~fold)
    _, labels = np.unique(works.labels[rest], return_inverse=True)
    shares = (SHARES[0] / (SHARES[0] + SHARES[1]), SHARES[1] / (SHARES[0] + SHARES[1]))
    parts[rest] = _by_artist(labels, works.artists[rest], shares, rng)
    return WorkSplit("artist", parts)


def _stratified(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At least one work of each class in each part."""
    parts = np.zeros(len(labels), int)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        held = max(1, round(SHARES[1] * len(own)))
        parts[own[:held]], parts[own[held : 2 * held]] = 1, 2
    return parts


def _by_artist(
    labels: np.ndarray, artists: np.ndarray, shares: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    """(n,) int: which of the shares each work is in. Artists are dealt out, those with many works before those with few, each
    to the part that has least of what it should have."""
    names, sizes = np.unique(artists, return_counts=True)
    order = np.argsort(
        -sizes * rng.uniform(0.3, 1.0, len(names)), kind="stable"
    )  # roughly by size, other with every seed
    total = np.bincount(labels).astype(float)  # (classes,)
    wanted = np.outer(shares, total)  # (parts, classes)
    have = np.zeros_like(wanted)
    parts = np.zeros(len(labels), int)
    for place in order:
        own = artists == names[place]
        added = np.bincount(labels[own], minlength=len(total))
        cost = []
        for part in range(len(shares)):
            after = have.copy()
            after[part] += added
            off = ((after - wanted).clip(min=0) ** 2 / total).sum() / min(shares)
            whole = ((after.sum(axis=1) - wanted.sum(axis=1)).clip(min=0) ** 2).sum() / total.sum()
            missing = ((wanted - after).clip(min=0) / wanted).sum()
            cost.append(off + _WHOLE_SET * whole + missing)
        part = int(np.argmin(cost))
        have[part] += added
        parts[own] = part
    return parts


def _set_aside(parts: np.ndarray, artists: np.ndarray, rng: np.random.Generator) -> None:
    """Moves a tenth of the works of each training artist with many to the part that is set aside."""
    for artist in np.unique(artists):
        own = np.flatnonzero(artists == artist)
        if parts[own[0]] == 0 and len(own) >= _MANY:
            parts[rng.choice(own, max(1, round(_ASIDE * len(own))), replace=False)] = PARTS.index("aside")
