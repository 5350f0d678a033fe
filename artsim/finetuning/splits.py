"""Splits of the works by scikit-learn: train and test set, and folds that hold out every artist once."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from artsim.errors import TrainingError
from artsim.finetuning.recipe import Recipe
from artsim.finetuning.works import LabelledWorks

_TEST_SHARE = 0.15
_TEST_FOLDS = 7  # of the artists, one of seven folds is the test set


@dataclass(frozen=True)
class WorkSplit:
    """Rows of the works in each set, ascending. "artist": no artist has works in both."""

    kind: Literal["stratified", "artist"]
    train: np.ndarray
    test: np.ndarray

    def hash(self, works: LabelledWorks) -> str:
        """Hash of the ids in each set: equal for the same works in the same sets."""
        lines = [f"{name}\0{works.ids[row]}\n" for name in ("train", "test") for row in getattr(self, name)]
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


def split_works(works: LabelledWorks, recipe: Recipe) -> WorkSplit:
    """Split the works by the seed. `TrainingError` for a split by artist with too few artists."""
    enough = works.artists is not None and len(set(works.artists.tolist())) >= 3 * len(works.classes) > 0
    kind = ("artist" if enough else "stratified") if recipe.split == "auto" else recipe.split
    if kind == "stratified":
        from sklearn.model_selection import train_test_split  # takes seconds, as below

        size = max(round(_TEST_SHARE * len(works)), len(works.classes))
        rows = train_test_split(np.arange(len(works)), test_size=size, stratify=works.labels, random_state=recipe.seed)
        return WorkSplit(kind, *map(np.sort, rows))
    if works.artists is None:
        raise TrainingError(
            f"The works have no column {recipe.artist!r}, so artists cannot be kept apart: --split stratified."
        )
    splits = artist_splits(works, works.artists, _TEST_FOLDS, recipe.seed)
    if not splits or min(len(np.unique(works.labels[rows])) for rows in (splits[0].train, splits[0].test)) < 2:
        raise TrainingError(
            "There are too few artists to keep them apart: the train or test set would have works of fewer than two "
            "classes. Give more works, or --split stratified."
        )
    return splits[0]


def artist_splits(works: LabelledWorks, artists: np.ndarray, count: int, seed: int) -> list[WorkSplit]:
    """`count` splits whose test sets hold out every artist once; fewer where no class has so many artists, none for one each.

    Each test set has its share of the artists (not of the works) of every class, so that most works have works by other
    artists of their class there.
    """
    names, owner = np.unique(artists, return_inverse=True)
    usual = np.array([np.bincount(works.labels[owner == number]).argmax() for number in range(len(names))])
    count = min(count, int(np.bincount(usual).max()))
    if count < 2:
        return []
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes with fewer artists than folds are in some folds only
        return [
            WorkSplit("artist", *(np.flatnonzero(np.isin(owner, numbers)) for numbers in sets))
            for sets in folds.split(names, usual)
        ]
