"""Gains and losses of a training, measured on unseen works and written to its folder."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artsim.encoders.finetuned import FinetunedEncoder, with_learned_style
from artsim.encoders.protocol import Blocks, unit_rows
from artsim.encoders.style_head import StyleHead
from artsim.files.atomic import write_atomically
from artsim.finetuning.backbones import Backbone
from artsim.finetuning.confusion import confusion_matrix, draw_confusion
from artsim.finetuning.features import Features, PictureFiles, Progress
from artsim.finetuning.recipe import Recipe
from artsim.finetuning.report import NEW_ARTISTS, NEW_WORKS, TEST, TRAINED_ON, accuracy_of, report_markdown
from artsim.finetuning.retrieval import RetrievalChange, compare_copies, compare_retrieval
from artsim.finetuning.split import WorkSplit
from artsim.finetuning.training import Trained
from artsim.finetuning.works import LabelledWorks
from artsim.sources import Source

REPORT_FILE, FIGURES_FILE, PLOT_FILE = "report.md", "report.json", "confusion.png"
_MAX_REPORTED = 10_000  # works that the report searches; more would take hours and not change the result
_TRAINED_QUERIES = 100  # queries among the works trained on, whose figures are for comparison only
_BATCH = 64


@dataclass(frozen=True)
class TrainingRun:
    """One training: the usable works, their features and their split."""

    source: Source
    recipe: Recipe
    backbone: Backbone
    works: LabelledWorks
    pictures: PictureFiles
    features: Features
    split: WorkSplit
    failed: Mapping[str, str]
    """Id -> reason why its picture cannot be used."""
    fingerprint: str
    started: float
    """Processor time of this process at the start, in seconds."""


def write_training_report(
    job: TrainingRun,
    trained: Trained,
    unseen: Sequence[RetrievalChange],
    config: Mapping[str, Any],
    folder: Path,
    progress: Progress,
) -> None:
    """Measure before and after, and write `report.md`, `report.json` and `confusion.png` into `folder`.

    `unseen`: changes measured by cross-validation over artists, if any.
    """
    everything = _query_sets(job)
    rows = _reported(job, everything)
    works = job.works.only(rows)
    sets = {name: np.flatnonzero(np.isin(rows, own)) for name, own in everything.items()}
    encoder = FinetunedEncoder(str(folder))
    before = job.features.only(rows).blocks()
    after = blocks_after(job, trained, encoder, rows, before, progress)
    changes = [*unseen, *_changes(job, trained, encoder, rows, sets, before, after)]
    head = trained.head.frozen()
    learned = unit_rows(after["style"][:, -head.dimension :])
    matrices = {name: _confusion(head, learned[own], works.labels[own]) for name, own in sets.items() if len(own)}
    again = next((name for name in (NEW_ARTISTS, NEW_WORKS) if np.array_equal(sets[name], sets[TEST])), None)
    accuracies = [accuracy_of(name, matrix) for name, matrix in matrices.items() if name != again]
    figures = {
        "scores": dict(trained.scores),
        "history": list(trained.history),
        "failed": [{"id": identity, "reason": why} for identity, why in job.failed.items()],
        "cpu_seconds": time.process_time() - job.started,
        "accuracy": [dataclasses.asdict(one) for one in accuracies],
        "search": [
            {**dataclasses.asdict(one), "difference": one.difference, "verdict": one.verdict} for one in changes
        ],
        "confusion": {"classes": list(works.classes), "works_of": TEST, "matrix": matrices[TEST].tolist()},
    }
    title = f"{job.recipe.label}: {len(sets[TEST])} {TEST}"
    draw_confusion(matrices[TEST], works.classes, title).save(folder / PLOT_FILE)
    text = json.dumps(_plain({**config, **figures}), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / FIGURES_FILE, text + "\n")
    write_atomically(folder / REPORT_FILE, report_markdown(config, accuracies, changes, figures))


def _query_sets(job: TrainingRun) -> dict[str, np.ndarray]:
    """Rows by relation to the training. A test work by an artist trained on counts as a new work, not a new artist."""
    split, artists = job.split, job.works.artists
    test, aside, training = split.rows("test"), split.rows("aside"), split.rows("training")
    strange = np.zeros(len(test), bool)
    if artists is not None:
        strange = ~np.isin(artists[test], artists[split.rows("training", "validation", "aside")])
    known = np.sort(np.concatenate([test[~strange], aside]))
    return {TEST: test, NEW_ARTISTS: test[strange], NEW_WORKS: known, TRAINED_ON: training}


def _reported(job: TrainingRun, sets: Mapping[str, np.ndarray]) -> np.ndarray:
    """All rows, or a sample of a very large set that prefers unseen works."""
    count = len(job.works)
    if count <= _MAX_REPORTED:
        return np.arange(count)
    rng = np.random.default_rng([job.recipe.seed, 4])
    unseen = np.unique(np.concatenate([own for name, own in sets.items() if name != TRAINED_ON]))
    first, rest = rng.permutation(unseen), rng.permutation(np.setdiff1d(np.arange(count), unseen))
    return np.sort(np.concatenate([first, rest])[:_MAX_REPORTED])


def blocks_after(
    job: TrainingRun, trained: Trained, encoder: FinetunedEncoder, rows: np.ndarray, before: Blocks, progress: Progress
) -> Blocks:
    """Raw blocks of the works at `rows`; under an unchanged backbone, `before` with the learned segment added."""
    if not trained.step:
        return with_learned_style(before, job.backbone.encoder.segments, trained.head.frozen())
    found: list[Blocks] = []
    for start in range(0, len(rows), _BATCH):
        found.append(encoder.embed_images([job.pictures.load(int(row)) for row in rows[start : start + _BATCH]]))
        progress("Reporting", min(start + _BATCH, len(rows)), len(rows))
    return {aspect: np.concatenate([blocks[aspect] for blocks in found]) for aspect in found[0]}


def _changes(
    job: TrainingRun,
    trained: Trained,
    encoder: FinetunedEncoder,
    rows: np.ndarray,
    sets: Mapping[str, np.ndarray],
    before: Blocks,
    after: Blocks,
) -> list[RetrievalChange]:
    """Changes by label, by artist and by altered copies; `sets` are positions in `rows`."""
    works, backbone, changed = job.works.only(rows), job.backbone.encoder, trained.step > 0
    shuffled = np.random.default_rng([job.recipe.seed, 5]).permutation(sets[TRAINED_ON])
    shown = {
        NEW_ARTISTS: sets[NEW_ARTISTS],
        NEW_WORKS: sets[NEW_WORKS],
        TRAINED_ON: np.sort(shuffled[:_TRAINED_QUERIES]),
    }
    changes = compare_retrieval(
        works,
        shown,
        (before, backbone.segments),
        (after, encoder.segments),
        label=job.recipe.label,
        alone=NEW_ARTISTS if len(sets[NEW_ARTISTS]) else NEW_WORKS,
        subject_too=changed,
        seed=job.recipe.seed,
    )
    copies = compare_copies(
        (backbone, encoder) if changed else (encoder, encoder),
        (before, after),
        sets[TEST],
        lambda place: job.pictures.load(int(rows[place])),
        works.ids,
        queries_of=TEST,
        seed=job.recipe.seed,
    )
    return [*changes, copies]


def _confusion(head: StyleHead, learned: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return confusion_matrix(labels, head.scores(learned).argmax(axis=1), len(head.bias))


def _plain(value: Any) -> Any:
    """Convert to strict JSON values: null for nan and infinity."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
