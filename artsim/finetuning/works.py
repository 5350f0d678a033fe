"""Labelled works for training: selection of classes and works, and altered views of a work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image

from artsim.errors import QueryError, TrainingError
from artsim.evaluation.distortions import cropped, generator
from artsim.finetuning.recipe import Recipe
from artsim.snapshot.labels import read_labels
from artsim.snapshot.state import metadata_table
from artsim.sources import Source


@dataclass(frozen=True)
class LabelledWorks:
    """Works in the order of the source; row i of every array belongs to `ids[i]`."""

    ids: tuple[str, ...]
    names: np.ndarray
    """(n,) str: label of each work."""
    artists: np.ndarray | None
    """(n,) int: artist number of each work, its own for a work without an artist; None without an artist column."""
    dropped: Mapping[str, int]
    """Classes left out because they have too few works -> their number of works."""
    unlabelled: int
    spared: int
    """Number of works of large classes left out at random, by the seed."""

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(np.unique(self.names).tolist())

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) int: class number of each work."""
        return np.searchsorted(self.classes, self.names)

    def only(self, rows: np.ndarray) -> LabelledWorks:
        """The works at `rows`."""
        artists = None if self.artists is None else self.artists[rows]
        return replace(self, ids=tuple(self.ids[row] for row in rows), names=self.names[rows], artists=artists)


def read_labelled_works(source: Source, recipe: Recipe) -> LabelledWorks:
    """The labelled works of `source`, of classes with enough works, with a maximum per class. Pictures are not read.

    `TrainingError` when there is no such column, or fewer than two classes are left.
    """
    columns = {name: source.features[name] for name in (recipe.label, recipe.artist) if name in source.features}
    if recipe.label not in columns:
        there = ", ".join(sorted(source.features))
        raise TrainingError(f"{source.name} has no column {recipe.label!r} to learn; its columns are {there}.")
    rows = [{name: work.get(name) for name in ("id", *columns)} for work in source.works(0)]
    try:
        table = metadata_table(rows, columns)
        labels = read_labels(table, recipe.label)
        artists = read_labels(table, recipe.artist) if recipe.artist in columns else None
    except QueryError as error:
        raise TrainingError(str(error)) from error
    if any(len(own) > 1 for own in labels.values):
        raise TrainingError(
            f"The column {recipe.label!r} gives some works several labels; training needs one for each."
        )
    everything = LabelledWorks(
        ids=tuple(str(row["id"]) for row in rows),
        names=np.array([str(own[0]) if own else "" for own in labels.values]),
        artists=artists.groups() if artists is not None and artists.rows else None,
        dropped={},
        unlabelled=int((~labels.present).sum()),
        spared=0,
    )
    works = of_large_classes(everything.only(np.flatnonzero(labels.present)), recipe)
    rng = np.random.default_rng([recipe.seed, 1])
    chosen = [rng.permutation(np.flatnonzero(works.names == name))[: recipe.max_per_class] for name in works.classes]
    drawn = np.sort(np.concatenate(chosen))
    return replace(works.only(drawn), spared=len(works) - len(drawn))


def of_large_classes(works: LabelledWorks, recipe: Recipe) -> LabelledWorks:
    """The works of the classes that have enough of them. `TrainingError` when fewer than two such classes are left."""
    count = Counter(works.names.tolist())
    kept = [name for name, number in count.items() if number >= recipe.min_per_class]
    if len(kept) < 2:
        raise TrainingError(_too_few_classes(recipe, count, kept))
    dropped = {name: number for name, number in count.most_common() if name not in kept}
    return replace(works.only(np.flatnonzero(np.isin(works.names, kept))), dropped={**works.dropped, **dropped})


def _too_few_classes(recipe: Recipe, count: Counter[str], kept: list[str]) -> str:
    if not count:
        return f"No work has a label in the column {recipe.label!r}."
    if len(count) == 1:
        return f"The column {recipe.label!r} has one class only ({min(count)}): there is nothing to tell apart."
    largest = ", ".join(f"{name} ({works})" for name, works in count.most_common(3))
    what = "No class has" if not kept else f"Only {kept[0]} has"
    return (
        f"{what} {recipe.min_per_class} works or more in the column {recipe.label!r}; the largest are {largest}. "
        "Give a lower --min-per-class, or more works."
    )


def altered_view(image: Image.Image, identity: str, number: int, *, seed: int) -> Image.Image:
    """View `number` of a work: 0 is the picture itself; the others are cropped, and half of them mirrored, by the seed.

    Colours and sharpness stay, which are part of style.
    """
    if number == 0:
        return image
    rng = generator(seed, identity, str(number))
    return cropped(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image, rng)
