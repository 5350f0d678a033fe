"""Training report for people (`report.md`, `confusion.png`) and programs (`report.json`)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay, classification_report, confusion_matrix

from artsim.encoders.finetuned import CONFIG_FILE
from artsim.evaluation.figures_file import write_figures
from artsim.evaluation.tables import Table, title_of
from artsim.files.atomic import write_atomically
from artsim.finetuning.comparison import Change

REPORT_FILE, FIGURES_FILE, PLOT_FILE = "report.md", "report.json", "confusion.png"
EVERY_ARTIST, TEST = "every artist, held out in turn", "test works"
"""Sets of query works."""
_NUMBERED = 60  # classes up to which the drawing has the numbers


def write_report(
    folder: Path, figures: Mapping[str, Any], changes: Sequence[Change], true: Sequence[str], predicted: Sequence[str]
) -> None:
    """Write `report.md`, `report.json` and `confusion.png` beside the `finetune.json` in `folder`.

    `figures`: `history`, `failed`, `cpu_seconds`, as in the JSON report. `true` and `predicted`: the classes of the test works.
    """
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    classes = config["classes"]
    matrix = confusion_matrix(true, predicted, labels=classes)
    _draw_confusion(matrix, classes, f"{config['label']}: {len(true)} {TEST}", folder / PLOT_FILE)
    figures = {
        **config,
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
    sections = [
        f"# {figures['backbone']['id']} fine-tuned on {figures['label']}\n",
        _headline(changes),
        _facts(figures),
        f"### Naming the class of {TEST}\n\n```text\n{by_class}```\n",
        f"![Confusion matrix]({PLOT_FILE})\n",
        _change_table(changes).to_markdown(),
        _harm(changes),
    ]
    if figures["failed"]:
        failed = "\n".join(f"- {one['id']}: {one['reason']}" for one in figures["failed"])
        sections.append(f"### Pictures that could not be used\n\n{failed}\n")
    return "\n".join(sections)


def _headline(changes: Sequence[Change]) -> str:
    """The main result: search by label for the artists, or else works, that training did not see."""
    best = changes[0]
    return (
        f"**{title_of(best.metric)} {best.before[best.metric]:.3f} → {best.after[best.metric]:.3f}** "
        f"({best.difference:+.3f}, 95 % {_interval(best) or 'unknown'}; {best.verdict}): {best.task}, preset {best.preset}; "
        f"{best.queries} queries of {best.queries_of}.\n"
    )


def _facts(figures: Mapping[str, Any]) -> str:
    split, works = figures["split"], figures["works"]
    kind = (
        "by artist: none has works in both" if split["kind"] == "artist" else "class by class: artists may be in both"
    )
    lines = [f"Works: {works['used']} of {figures['source']['name']} in {len(figures['classes'])} classes."]
    if works["spared"]:
        lines.append(f"{works['spared']} works of large classes are left out (--max-per-class).")
    if works["unlabelled"]:
        lines.append(f"{works['unlabelled']} works have no {figures['label']} and are left out.")
    if works["dropped"]:
        dropped = ", ".join(f"{name} ({count})" for name, count in works["dropped"].items())
        lines.append(f"Classes left out, with too few works: {dropped}.")
    lines += [
        f"{split['sizes']['train']} train and {split['sizes']['test']} test works {kind} (hash {split['hash']}).",
        f"Seed {figures['seed']}; backbone revision {figures['backbone']['revision']}.",
        f"{figures['cpu_seconds']:.0f} seconds of processor time in this run.",
    ]
    return "\n".join(f"- {line}" for line in lines) + "\n"


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


def _harm(changes: Sequence[Change]) -> str:
    """Tasks that got worse, in words."""
    worse = [one for one in changes if one.difference < 0]
    lines = [f"- {one.task}, {one.preset}, {one.queries_of}: {one.difference:+.3f} ({one.verdict})" for one in worse]
    if not any(one.verdict == "worse" for one in worse):
        lines.insert(0, "Nothing is worse beyond chance.\n")
    return "\n".join(["### What it hurts\n", *lines, ""])


def _interval(change: Change) -> str:
    return "" if change.interval is None else f"{change.interval[0]:+.3f} to {change.interval[1]:+.3f}"
