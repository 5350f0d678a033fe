"""Evaluation results as tables: Markdown for the terminal, HTML for the report."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from artsim.collection import Collection
from artsim.encoders.presets import PRESET_RANKINGS, PRESETS
from artsim.evaluation.compare import Comparison
from artsim.evaluation.full_ranking import Setting
from artsim.evaluation.intervals import bootstrap_intervals
from artsim.evaluation.metrics import HEADLINE, METRICS
from artsim.evaluation.run import Evaluation, Task, by_class, evaluate, macro_means
from artsim.search.encoder_comparison import EncoderComparison
from artsim.snapshot.state import find_space

_TITLES = {"map": "mAP", "ndcg@10": "nDCG@10", "r_precision": "R-precision"}


@dataclass(frozen=True)
class Table:
    """A table with text in the first column and numbers in the others; the note explains it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def to_markdown(self) -> str:
        lines = [f"### {self.title}", ""] + ([self.note, ""] if self.note else [])
        lines.append("| " + " | ".join(self.header) + " |")
        lines.append("| --- |" + " ---: |" * (len(self.header) - 1))
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self.rows]
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in self.header)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in self.rows
        )
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return f"<h2>{html.escape(self.title)}</h2>{note}<table><tr>{head}</tr>\n{body}</table>\n"


def title_of(metric: str) -> str:
    """Heading of a metric: `precision@10` -> `P@10`."""
    return _TITLES.get(metric, metric.replace("precision@", "P@"))


def figures_table(evaluation: Evaluation) -> Table:
    """All metrics of an evaluation, with their intervals."""
    means = evaluation.means()
    by_query = bootstrap_intervals(evaluation.values, seed=evaluation.task.seed)
    by_group = bootstrap_intervals(evaluation.values, clusters=evaluation.clusters, seed=evaluation.task.seed)
    macro = macro_means(by_class(evaluation))
    rows = tuple(
        (
            title_of(metric),
            f"{means[metric]:.3f}",
            _interval(by_query[number]),
            _interval(by_group[number]),
            f"{macro[metric]:.3f}",
        )
        for number, metric in enumerate(METRICS)
    )
    header = ("metric", "mean", "95 % over works", f"95 % over {evaluation.cluster_column}", "mean of classes")
    return Table(describe(evaluation), header, rows, counts(evaluation) + answered(evaluation))


def describe(evaluation: Evaluation) -> str:
    """Task, setting and encoder of an evaluation, in one line."""
    task = evaluation.task
    exclusion = f", no work of the same {task.disjoint}" if task.disjoint else ""
    return f"Same {task.label}{exclusion}: {evaluation.setting} ({evaluation.encoder})"


def counts(evaluation: Evaluation) -> str:
    """Number of queries, and of the works left out with the reason."""
    left_out = [
        text
        for count, text in (
            (evaluation.unlabelled, f"{evaluation.unlabelled} have no {evaluation.task.label}"),
            (evaluation.lonely, f"{evaluation.lonely} have nothing to find"),
        )
        if count
    ]
    return (
        f"{len(evaluation)} queries among {evaluation.candidates} works"
        + (f" ({', '.join(left_out)})" if left_out else "")
        + f". Random answers would have a precision of {evaluation.chance:.3f}."
    )


def encoders_table(comparison: EncoderComparison) -> Table:
    """Statistics of the answers of each encoder to one query; needs no labels."""
    rows = tuple(
        (
            answers.encoder,
            f"{answers.cosine_mean:.4f} ± {answers.cosine_std:.4f}",
            f"{answers.angular_mean:.4f} ± {answers.angular_std:.4f}",
            f"{answers.margin:.2f}",
            *(f"{comparison.jaccard(answers.encoder, other.encoder):.0%}" for other in comparison.answers),
        )
        for answers in comparison.answers
    )
    header = (
        "encoder",
        "cosine",
        "angular distance",
        "margin",
        *(f"as {answers.encoder}" for answers in comparison.answers),
    )
    note = (
        "Mean ± standard deviation; cosines of different encoders are not comparable, margins are. "
        f"auto takes {comparison.auto}, the plain rule {comparison.mean_cosine}."
    )
    return Table(f"The {len(comparison.answers[0].matches)} best answers", header, rows, note)


def answered(evaluation: Evaluation) -> str:
    """How often each encoder was selected, where one is selected per query; otherwise empty."""
    if evaluation.setting.encoder != "auto":
        return ""
    return " Chosen: " + ", ".join(f"{name} {count} times" for name, count in evaluation.answered.items()) + "."


def class_table(evaluation: Evaluation, *, at_most: int | None = None) -> Table:
    """Mean metrics per label, most queries first."""
    classes = by_class(evaluation)
    shown = classes[:at_most]
    rows = tuple(
        (str(item.label), str(item.queries), *(f"{item.means[metric]:.3f}" for metric in HEADLINE)) for item in shown
    )
    note = f"The {len(shown)} with the most queries of {len(classes)}." if len(shown) < len(classes) else ""
    return Table(
        f"By {evaluation.task.label}",
        (evaluation.task.label, "queries", *(title_of(metric) for metric in HEADLINE)),
        rows,
        note,
    )


def comparison_table(comparison: Comparison) -> Table:
    """Difference of two settings per metric, with interval and p-values."""
    rows = tuple(
        (
            title_of(item.metric),
            f"{item.first:.3f}",
            f"{item.second:.3f}",
            f"{item.difference:+.3f}",
            _interval(item.interval, sign="+"),
            _p(item.fisher_p),
            _p(item.student_p),
            f"{item.better}/{item.equal}/{item.worse}",
        )
        for item in comparison.differences
    )
    first, second = comparison.first, comparison.second
    first_name, second_name = str(first.setting), str(second.setting)
    if first_name == second_name:
        first_name, second_name = f"{first_name} ({first.encoder})", f"{second_name} ({second.encoder})"
    note = (
        f"{comparison.queries} queries that count in both; {comparison.left_out} count in one only and are left out. "
        f"The interval draws whole groups of the same {first.cluster_column}; the p-values take queries as independent."
    )
    over = f"95 % over {first.cluster_column}"
    header = ("metric", "first", "second", "difference", over, "p (Fisher)", "p (Student)", "better/same/worse")
    return Table(f"{first_name}, against {second_name}", header, rows, note)


def evaluate_settings(collection: Collection, task: Task, setting: Setting | None = None) -> dict[str, Evaluation]:
    """Evaluate the task with every preset and with the raw cosine, by name; encoders as in `setting`."""
    settings = _settings(collection, setting or Setting())
    return {name: evaluate(collection, task, variant) for name, variant in settings.items()}


def settings_table(evaluations: Mapping[str, Evaluation]) -> Table:
    """The result of `evaluate_settings`, one row per setting."""
    rows = tuple(
        (name, evaluation.setting.ranking, *(f"{evaluation.means()[metric]:.3f}" for metric in HEADLINE))
        for name, evaluation in evaluations.items()
    )
    first = next(iter(evaluations.values()))
    task = first.task
    exclusion = f", no work of the same {task.disjoint}" if task.disjoint else ""
    return Table(
        f"Same {task.label}{exclusion}, by aspect and ranking ({first.encoder})",
        ("setting", "ranking", *(title_of(metric) for metric in HEADLINE)),
        rows,
        counts(first),
    )


def _settings(collection: Collection, base: Setting) -> dict[str, Setting]:
    """Each distinct preset that the space supports, with its own ranking; then the raw cosine."""
    known = set(find_space(collection.state, None if base.several else base.encoder).statistics.aspects)
    settings: dict[str, Setting] = {}
    for name, weights in PRESETS.items():
        used = {aspect: weight for aspect, weight in weights.items() if weight}
        setting = replace(base, ranking=PRESET_RANKINGS.get(name, "tuned"), aspects=used)
        if used.keys() <= known and setting not in settings.values():
            settings[name] = setting
    return {**settings, "cosine": replace(base, ranking="cosine", aspects={"subject": 1.0})}


def _interval(bounds: Sequence[float], *, sign: str = "") -> str:
    low, high = bounds
    return "one group only" if math.isnan(low) else f"{low:{sign}.3f} to {high:{sign}.3f}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
