"""Training report for people (`report.md`, `confusion.png`) and programs (`report.json`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay, classification_report, confusion_matrix

from artsim.encoders.finetuned import FinetuneConfig
from artsim.evaluation.figures_file import write_figures
from artsim.evaluation.tables import Table, title_of
from artsim.files.atomic import write_atomically
from artsim.finetuning.comparison import Change

REPORT_FILE, FIGURES_FILE, PLOT_FILE = "report.md", "report.json", "confusion.png"
EVERY_ARTIST, TEST = "every artist, held out in turn", "test works"
"""Sets of query works."""
_NUMBERED = 60  # classes up to which the drawing has the numbers


def write_report(
    folder: Path,
    config: FinetuneConfig,
    figures: Mapping[str, Any],
    changes: Sequence[Change],
    true: Sequence[str],
    predicted: Sequence[str],
) -> None:
    """Write `report.md`, `report.json` and `confusion.png` in `folder`.

    `figures`: `history`, `failed`, `cpu_seconds`, as in the JSON report. `true` and `predicted`: the classes of the test works.
    """
    classes = config.classes
    matrix = confusion_matrix(true, predicted, labels=classes)
    _draw_confusion(matrix, classes, f"{config.label}: {len(true)} {TEST}", folder / PLOT_FILE)
    figures = {
        **config.model_dump(),
        **figures,
        "classification": classification_report(true, predicted, labels=classes, output_dict=True, zero_division=0),
        "search": [
            {**dataclasses.asdict(one), "difference": one.difference, "verdict": one.verdict} for one in changes
        ],
        "confusion": {"classes": classes, "works_of": TEST, "matrix": matrix.tolist()},
    }
    write_figures(folder / FIGURES_FILE, figures)
    by_class = classification_report(true, predicted, labels=classes, digits=3, zero_division=0)
    write_atomically(folder / REPORT_FILE, _markdown(figures, changes, by_class))


def _draw_confusion(matrix: np.ndarray, classes: Sequence[str], title: str, path: Path) -> None:
    side = 3 + 0.4 * min(len(classes), _NUMBERED)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    display = ConfusionMatrixDisplay(matrix, display_labels=classes)
    display.plot(
        ax=axes, include_values=len(classes) <= _NUMBERED, cmap="Blues", xticks_rotation="vertical", colorbar=False
    )
    axes.set_title(title)
    figure.savefig(path)


def _markdown(figures: Mapping[str, Any], changes: Sequence[Change], by_class: str) -> str:
    split, works = figures["split"], figures["works"]
    kind = (
        "by artist: none has works in both" if split["kind"] == "artist" else "class by class: artists may be in both"
    )
    dropped = ", ".join(f"{name} ({count})" for name, count in works["dropped"].items()) or "none"
    sections = [
        f"# {figures['backbone']['id']} fine-tuned on {figures['label']}\n",
        f"**{_in_words(changes[0])}**\n",
        f"- Works: {works['used']} of {figures['source']['name']} in {len(figures['classes'])} classes.",
        f"- Left out: {works['unlabelled']} works without {figures['label']}, {works['spared']} of large classes "
        f"(--max-per-class), and classes with too few works: {dropped}.",
        f"- {split['sizes']['train']} train and {split['sizes']['test']} test works {kind} (hash {split['hash']}).",
        f"- Seed {figures['seed']}; backbone revision {figures['backbone']['revision']}.",
        f"- {figures['cpu_seconds']:.0f} seconds of processor time in this run.\n",
        f"### Naming the class of {TEST}\n\n```text\n{by_class}```\n",
        f"![Confusion matrix]({PLOT_FILE})\n",
        _change_table(changes).to_markdown(),
        "### What it hurts\n",
        *([] if any(one.verdict == "worse" for one in changes) else ["Nothing is worse beyond chance.\n"]),
        *(f"- {_in_words(one)}" for one in changes if one.difference < 0),
    ]
    if figures["failed"]:
        sections += ["\n### Pictures that could not be used\n"]
        sections += [f"- {one['id']}: {one['reason']}" for one in figures["failed"]]
    return "\n".join(sections) + "\n"


def _in_words(change: Change) -> str:
    metric = change.metric
    return (
        f"{title_of(metric)} {change.before[metric]:.3f} → {change.after[metric]:.3f} ({change.difference:+.3f}, 95 % "
        f"{_interval(change) or 'unknown'}; {change.verdict}): {change.task}, preset {change.preset}; "
        f"{change.queries} queries of {change.queries_of}."
    )


def _change_table(changes: Sequence[Change]) -> Table:
    rows = []
    for one in changes:
        means = [f"{one.before[metric]:.3f} → {one.after[metric]:.3f}" for metric in one.before]
        means = means if len(means) == 3 else [f"R@1 {means[0]}", "", ""]
        task = f"{one.task}; {one.preset}"
        rows.append(
            (one.queries_of, task, str(one.queries), *means, f"{one.difference:+.3f}", _interval(one), one.verdict)
        )
    metrics = (title_of(metric) for metric in ("precision@1", "precision@10", "map"))
    note = (
        "Each work as a query among the works that its training did not see, before → after. The difference is that of the "
        "last figure, with 95 % by bootstrap over artists (over works where no artists are known)."
    )
    header = ("queries", "task; preset", "number", *metrics, "difference", "95 %", "")
    return Table("Search, before and after", header, tuple(rows), note)


def _interval(change: Change) -> str:
    return "" if change.interval is None else f"{change.interval[0]:+.3f} to {change.interval[1]:+.3f}"
