"""Training report for people (`report.md`, `confusion.png`) and programs (`report.json`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from artsim.evaluation.tables import Table, title_of
from artsim.finetuning.retrieval import RetrievalChange

EVERY_ARTIST, TEST, NEW_ARTISTS, NEW_WORKS, TRAINED_ON = (
    "every artist, held out in turn",
    "test works",
    "artists not trained on",
    "works not trained on",
    "works trained on",
)
"""Sets of query works. In a split by artist, the test works are those by artists not trained on. The first set belongs to the
cross-validation in `folds`."""


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of the head on one set of works."""

    works_of: str
    works: int
    accuracy: float
    class_mean: float
    """Mean over the classes of their accuracies."""
    largest_class: float
    """Accuracy of always predicting the largest class."""


def accuracy_of(works_of: str, matrix: np.ndarray) -> Accuracy:
    """Accuracy from a confusion matrix with at least one work."""
    totals = matrix.sum(axis=1)
    there = totals > 0
    return Accuracy(
        works_of,
        int(totals.sum()),
        float(np.trace(matrix) / totals.sum()),
        float((np.diag(matrix)[there] / totals[there]).mean()),
        float(totals.max() / totals.sum()),
    )


def report_markdown(
    config: Mapping[str, Any],
    accuracies: Sequence[Accuracy],
    changes: Sequence[RetrievalChange],
    figures: Mapping[str, Any],
) -> str:
    """The report in Markdown. `figures` has `scores`, `history`, `failed`, `cpu_seconds` as the JSON report does."""
    parts = [
        f"# {config['backbone']['id']} fine-tuned on {config['label']}\n",
        _headline(changes),
        _facts(config, figures),
        _accuracy_table(accuracies).to_markdown(),
        "![Confusion matrix](confusion.png)\n",
        _change_table(changes).to_markdown(),
        _verdict(changes),
        _choice(figures["scores"], config["step"]),
    ]
    if figures["failed"]:
        failed = "\n".join(f"- {one['id']}: {one['reason']}" for one in figures["failed"][:50])
        more = len(figures["failed"]) - 50
        parts.append(
            f"### Pictures that could not be used\n\n{failed}\n" + (f"- and {more} more\n" if more > 0 else "")
        )
    return "\n".join(parts)


def _headline(changes: Sequence[RetrievalChange]) -> str:
    """The main result: retrieval by label for the artists, or else works, that training did not see."""
    best = next(
        (one for name in (EVERY_ARTIST, NEW_ARTISTS, NEW_WORKS) for one in changes if one.queries_of == name), None
    )
    if best is None:
        return ""
    low, high = best.interval
    interval = "" if math.isnan(low) else f", 95 % {low:+.3f} to {high:+.3f}"
    return (
        f"**{title_of(best.metric)} {best.before[best.metric]:.3f} → {best.after[best.metric]:.3f}** "
        f"({best.difference:+.3f}{interval}; {best.verdict}): {best.task}, preset {best.setting}; {best.queries} queries of "
        f"{best.queries_of}, among {best.among}.\n"
    )


def _facts(config: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    split, works = config["split"], config["works"]
    kind = {
        "artist": "by artist: no artist has works in two of training, validation and test",
        "stratified": "class by class: an artist may have works in all parts",
    }[split["kind"]]
    sizes = ", ".join(f"{count} {name}" for name, count in split["sizes"].items() if count)
    lines = [
        f"- Works: {works['used']} of {config['source']['name']} in {len(config['classes'])} classes.",
        f"- Split {kind} ({sizes}; hash {split['hash']}).",
        f"- Seed {config['seed']}; backbone revision {config['backbone']['revision']}.",
        f"- {figures['cpu_seconds']:.0f} seconds of processor time in this run.",
    ]
    if works["dropped"]:
        dropped = ", ".join(f"{name} ({count})" for name, count in works["dropped"].items())
        lines.insert(1, f"- Classes left out, with too few works: {dropped}.")
    if works["unlabelled"]:
        lines.insert(1, f"- {works['unlabelled']} works have no {config['label']} and are left out.")
    if works["spared"]:
        lines.insert(1, f"- {works['spared']} works of large classes are left out (--max-per-class).")
    return "\n".join(lines) + "\n"


def _accuracy_table(accuracies: Sequence[Accuracy]) -> Table:
    rows = tuple(
        (one.works_of, str(one.works), f"{one.accuracy:.3f}", f"{one.class_mean:.3f}", f"{one.largest_class:.3f}")
        for one in accuracies
    )
    return Table(
        "Naming the class", ("works", "number", "accuracy", "mean of classes", "always the largest class"), rows
    )


def _change_table(changes: Sequence[RetrievalChange]) -> Table:
    rows = []
    sets = list(dict.fromkeys(one.queries_of for one in changes))
    for one in sorted(changes, key=lambda one: sets.index(one.queries_of)):
        figures = [f"{one.before[metric]:.3f} → {one.after[metric]:.3f}" for metric in one.before]
        figures = figures if len(figures) == 3 else [f"R@1 {figures[0]}", "", ""]
        low, high = one.interval
        interval = "" if math.isnan(low) else f"{low:+.3f} to {high:+.3f}"
        where = f"{one.task}; {one.setting}"
        rows.append(
            (
                one.queries_of,
                where,
                one.among,
                str(one.queries),
                *figures,
                f"{one.difference:+.3f}",
                interval,
                one.verdict,
            )
        )
    header = (
        "queries",
        "task; preset",
        "among",
        "number",
        *(title_of(m) for m in ("precision@1", "precision@10", "map")),
    )
    note = (
        "Each work as a query, before → after. The difference is that of the last figure, with 95 % by bootstrap over "
        "artists (over works where no artists are known). What the encoder was trained on is only there for comparison."
    )
    return Table("Search, before and after", (*header, "difference", "95 %", ""), tuple(rows), note)


def _verdict(changes: Sequence[RetrievalChange]) -> str:
    """Sets and tasks that got worse, in words."""
    judged = [one for one in changes if one.queries_of != TRAINED_ON]
    worse = [one for one in judged if one.verdict == "worse"]
    lower = [one for one in judged if one.verdict == "within chance" and one.difference < 0]
    lines = ["### What it hurts\n"]
    lines.append(_listed("Worse than before, beyond chance", worse) if worse else "Nothing is worse beyond chance.\n")
    if lower:
        lines.append(_listed("Lower, but within chance", lower))
    return "\n".join(lines)


def _listed(what: str, changes: Sequence[RetrievalChange]) -> str:
    items = [
        f"- {one.task}, {one.setting}, {one.queries_of} among {one.among}: {one.difference:+.3f}" for one in changes
    ]
    return f"{what}:\n\n" + "\n".join(items) + "\n"


def _choice(scores: Mapping[str, float], step: float) -> str:
    rows = tuple((name, f"{score:.4f}") for name, score in scores.items())
    chosen = f"Chosen: step {step:g}." if step else "Chosen: the head alone; the backbone keeps its weights."
    note = (
        f"{chosen} A step is how much of the way from the weights after the first phase to those after the second is gone. "
        "The figure is the mAP of the preset style among other artists, without its corrections for hubs; where no "
        "validation work has anything to find, it is minus the cross-entropy."
    )
    return Table("Chosen on the validation works", ("weights", "validation"), rows, note).to_markdown()
