"""Cross-validation by artist, for sets whose test part of 15 % has too few artists to be reliable.

Every artist is held out once, and the whole training is repeated on the other artists. The works of each fold are queries
among the works of the fold only, so neither query nor answer, nor any other work by their artists, was trained on.
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
"""Number of works above which the validation and test parts are large enough, and folds would take long."""


def folds_of(job: TrainingRun) -> int:
    """Number of folds: from the recipe, else by the size of the set; 0 where the split is not by artist."""
    if job.split.kind != "artist":
        return 0
    asked = job.recipe.folds
    return asked if asked is not None else FOLDS if len(job.works) <= SMALL else 0


def choosing_folds(job: TrainingRun) -> np.ndarray | None:
    """(n,) int: fold of each training and validation work, for choosing epochs in a small set; -1 for other works.

    None where the validation part is large enough for that, or the split is not by artist.
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
    """Changes in retrieval for works by unseen artists; empty without folds.

    The backbone is reset afterwards. An interrupted run resumes from `folder`.
    """
    count = folds_of(job)
    if not count or job.works.artists is None:
        return []
    rng = np.random.default_rng([job.recipe.seed, 6])
    fold_of = artist_folds(job.works.labels, job.works.artists, count, rng)
    held_out_folds, changed = [], False
    for number in range(count):
        fold = dataclasses.replace(job, split=held_out(job.works, fold_of == number, rng))
        fold_folder = folder / f"fold-{number}"
        shutil.rmtree(fold_folder / "encoder", ignore_errors=True)
        (fold_folder / "encoder").mkdir(parents=True)
        report_fold = _numbered(progress, number + 1, count)
        trained = train(fold, prepared, fold_folder / "checkpoint.pt", report_fold)
        save(fold, trained, fold_folder / "encoder")
        rows, encoder = fold.split.rows("test"), FinetunedEncoder(str(fold_folder / "encoder"))
        before = fold.features.only(rows).blocks()
        after = blocks_after(fold, trained, encoder, rows, before, report_fold)
        held_out_folds.append(
            HeldOut(job.works.only(rows), (before, job.backbone.encoder.segments), (after, encoder.segments))
        )
        changed = changed or trained.step > 0
        job.backbone.reset()
    return compare_held_out(
        held_out_folds, label=job.recipe.label, queries_of=EVERY_ARTIST, subject_too=changed, seed=job.recipe.seed
    )


def _numbered(progress: Progress, number: int, count: int) -> Progress:
    def report(what: str, done: int, total: int) -> None:
        progress(f"Fold {number} of {count}: {what.lower()}", done, total)

    return report
