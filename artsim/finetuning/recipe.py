"""Hyperparameters of fine-tuning: every number that affects a result, apart from works and backbone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from artsim.errors import TrainingError

Split = Literal["auto", "stratified", "artist"]


@dataclass(frozen=True)
class Recipe:
    """The defaults were chosen on artist-disjoint folds of 473 paintings: see docs/finetuning.md.

    `TrainingError` for invalid values.
    """

    label: str
    split: Split = "auto"
    """"artist": no artist has works in two sets; "auto": "artist" where the works have artists, else "stratified"."""
    artist: str = "artist"
    """Column of the artists."""
    min_per_class: int = 8
    max_per_class: int = 5000
    seed: int = 0
    views: int = 3
    """Views per work: the picture itself and `views - 1` altered ones."""
    dimension: int = 64
    """Dimension of the learned vector."""
    head_epochs: int = 60
    top_epochs: int = 0
    """Epochs of the second phase; 0 leaves the backbone unchanged."""
    head_batch: int = 128
    top_batch: int = 64
    head_rate: float = 3e-3
    top_rate: float = 1e-3
    """Learning rate of the top stage; each lower stage has half the rate of the one above it."""
    temperature: float = 0.05
    smoothing: float = 0.1
    dropout: float = 0.2
    folds: int | None = None
    """Additional trainings that hold out each artist once, for the report; None: 3 for small sets, else none."""

    def __post_init__(self) -> None:
        if self.split not in get_args(Split):
            raise TrainingError(f"There is no split {self.split!r}; choose among {', '.join(get_args(Split))}.")
        least = {"min_per_class": 3, "max_per_class": self.min_per_class, "top_epochs": 0, "seed": 0, "folds": 0}
        least |= dict.fromkeys(("views", "dimension", "head_epochs", "head_batch", "top_batch"), 1)
        for name, number in least.items():
            value = getattr(self, name)
            if value is not None and value < number:
                raise TrainingError(f"--{name.replace('_', '-')} must be at least {number}; it is {value}.")
        if self.folds == 1:
            raise TrainingError("--folds must be 0 or at least 2; it is 1.")
