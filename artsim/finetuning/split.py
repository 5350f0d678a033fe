"""Split of the works into training, validation and test parts.

70 % of the works are for training, 15 % for validation (when to stop, which step to keep), 15 % for the report. "stratified":
drawn per class. "artist": whole artists are drawn, so that the report covers unseen artists; a tenth of the works of the
training artists is then set aside as well, to cover new works by known artists.
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
_ASIDE_SHARE = 0.1  # of the works of each training artist with at least _ASIDE_MIN_WORKS
_ASIDE_MIN_WORKS = 5
_SIZE_WEIGHT = 0.1  # weight of part sizes, relative to class sizes, when artists are assigned


@dataclass(frozen=True)
class WorkSplit:
    kind: Literal["stratified", "artist"]
    parts: np.ndarray
    """(n,) int: position in `PARTS` of the part of each work."""

    def rows(self, *parts: Part) -> np.ndarray:
        return np.flatnonzero(np.isin(self.parts, [PARTS.index(part) for part in parts]))

    def hash(self, works: LabelledWorks) -> str:
        """Hash of ids and parts: equal for the same works in the same parts."""
        lines = [f"{identity}\0{part}\n" for identity, part in zip(works.ids, self.parts.tolist(), strict=True)]
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


def split_works(works: LabelledWorks, recipe: Recipe) -> WorkSplit:
    """Split the works by the seed. `TrainingError` for a split by artist with too few artists."""
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
    """(n,) int: fold of each work, of `count` folds. An artist is in one fold, and each fold has its share of the artists of
    every class, so that most works have relevant works by other artists there. Classes with fewer artists than folds are in
    some folds only."""
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
    """Split with the works where `fold` (n,) bool is true as test part, and an artist-disjoint validation part."""
    if works.artists is None:
        raise TrainingError("The works have no artists, so none can be held out.")
    parts = np.full(len(works), PARTS.index("test"))
    rest = np.flatnonzero(~fold)
    _, labels = np.unique(works.labels[rest], return_inverse=True)
    shares = (SHARES[0] / (SHARES[0] + SHARES[1]), SHARES[1] / (SHARES[0] + SHARES[1]))
    parts[rest] = _by_artist(labels, works.artists[rest], shares, rng)
    return WorkSplit("artist", parts)


def _stratified(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) int: part of each work; every part has at least one work of each class."""
    parts = np.zeros(len(labels), int)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        held = max(1, round(SHARES[1] * len(own)))
        parts[own[:held]], parts[own[held : 2 * held]] = 1, 2
    return parts


def _by_artist(
    labels: np.ndarray, artists: np.ndarray, shares: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    """(n,) int: part of each work. Artists are assigned greedily, those with many works first, each to the part with the
    lowest cost after it."""
    names, sizes = np.unique(artists, return_counts=True)
    order = np.argsort(
        -sizes * rng.uniform(0.3, 1.0, len(names)), kind="stable"
    )  # roughly by size, varying with the seed
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
            cost.append(off + _SIZE_WEIGHT * whole + missing)
        part = int(np.argmin(cost))
        have[part] += added
        parts[own] = part
    return parts


def _set_aside(parts: np.ndarray, artists: np.ndarray, rng: np.random.Generator) -> None:
    """Move a tenth of the works of each training artist with enough of them to the part "aside"."""
    for artist in np.unique(artists):
        own = np.flatnonzero(artists == artist)
        if parts[own[0]] == 0 and len(own) >= _ASIDE_MIN_WORKS:
            parts[rng.choice(own, max(1, round(_ASIDE_SHARE * len(own))), replace=False)] = PARTS.index("aside")
