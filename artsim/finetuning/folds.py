"""Folds by artist, for sets so small that the validation and test parts say little.

Every artist held out once: the whole training again on the other artists, asked about works by hands it never saw.

A test part of 15 % has few artists, and what a small collection's says is mostly chance. Here each fold's works ask, among
the works of their fold only; neither query nor answer was trained on, nor anything else by its artist.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from artsim.encoders.finetuned import FinetunedEncoder
from artsim.finetuning.features import PreparedViews, Progress
from artsim.finetuning.judging import TrainingRun, blocks_after
from artsim.finetuning.report import EVERY_ARTIST
from artsim.finetuning.retrieval import HeldOut, RetrievalChange, compare_held_out
from artsim.finetuning.split import artist_folds, held_out
from artsim.finetuning.training import Trained

Train = Callable[[TrainingRun, PreparedViews, Path, Progress], Trained]
Save = Callable[[TrainingRun, Trained, Path], object]

FOLDS = 3
SMALL = 2_000
"""Beyond so many works the validation and the test part are large enough, and every fold would take long."""


def folds_of(job: TrainingRun) -> int:
    """How many folds there will be: as asked, or by the size of the set; none where artists are not kept apart."""
    if job.split.kind != "artist":
        return 0
    asked = job.recipe.folds
    return asked if asked is not None else FOLDS if len(job.works) <= SMALL else 0


def choosing_folds(job: TrainingRun) -> np.ndarray | None:
    """(n,) int: the folds of the works for training and validation by which a small set's training chooses; others are -1.

    None where the set is large enough to choose by its validation part, or artists are not kept apart.
    """
    if job.split.kind != "artist" or job.works.artists is None or len(job.works) > SMALL:
        return None
    rows = job.split.rows("training", "validation")
    rng = np.random.default_rng([job.recipe.seed, 7])
    folds = np.full(len(job.works), -1)
    folds[rows] = artist_folds(job.works.labels[rows], job.works.artists[rows], FOLDS, rng)
    return folds


def cross_validate(
    job: TrainingRun, prepared: PreparedViews, folder: Path, *, train: Train, save: Save, progress: Progress
) -> list[RetrievalChange]:
    """What training changes for works by artists that it does not see; no change where there are no folds.

    The backbone is as it was afterwards. Goes on after a stop, from what lies in `folder`.
    """
    count = folds_of(job)
    if not count or job.works.artists is None:
        return []
    rng = np.random.default_rng([job.recipe.seed, 6])
    fold_of = artist_folds(job.works.labels, job.works.artists, count, rng)
    found, changed = [], False
    for number in range(count):
        fold = dataclasses.replace(job, split=held_out(job.works, fold_of == number, rng))
        place = folder / f"fold-{number}"
        shutil.rmtree(place / "encoder", ignore_errors=True)
        (place / "encoder").mkdir(parents=True)
        told = _numbered(progress, number + 1, count)
        trained = train(fold, prepared, place / "checkpoint.pt", told)
        save(fold, trained, place / "encoder")
        rows, encoder = fold.split.rows("test"), FinetunedEncoder(str(place / "encoder"))
        before = fold.features.only(rows).blocks()
        after = blocks_after(fold, trained, encoder, rows, before, told)
        found.append(HeldOut(job.works.only(rows), (before, job.backbone.encoder.segments), (after, encoder.segments)))
        changed = changed or trained.step > 0
        job.backbone.reset()
    return compare_held_out(
        found, label=job.recipe.label, queries_of=EVERY_ARTIST, subject_too=changed, seed=job.recipe.seed
    )


def _numbered(progress: Progress, number: int, count: int) -> Progress:
    def told(what: str, done: int, total: int) -> None:
        progress(f"Fold {number} of {count}: {what.lower()}", done, total)

    return told
