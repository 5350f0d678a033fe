"""Evaluation results as tables: Markdown for the terminal; the report sets them in HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from artsim.encoders.label_probabilities import SURE, Reliability
from artsim.encoders.protocol import Aspect
from artsim.evaluation.compare import Comparison
from artsim.evaluation.metrics import HEADLINE, METRICS
from artsim.evaluation.neighbours import Neighbours
from artsim.evaluation.ranking import Setting
from artsim.evaluation.run import TOP, Evaluation, Task, by_class, by_word, macro_means
from artsim.evaluation.suggested_weights import SuggestedWeights
from artsim.search.encoder_comparison import EncoderComparison

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


def title_of(metric: str) -> str:
    """Heading of a metric: `precision@10` -> `P@10`."""
    return _TITLES.get(metric, metric.replace("precision@", "P@"))


def figures_table(evaluation: Evaluation) -> Table:
    """All metrics of an evaluation, with their intervals."""
    means, macro = evaluation.means(), macro_means(by_class(evaluation))
    rows = tuple(
        (title_of(metric), f"{means[metric]:.3f}", _interval(works), _interval(groups), f"{macro[metric]:.3f}")
        for metric, works, groups in zip(METRICS, evaluation.intervals, evaluation.clustered_intervals, strict=True)
    )
    header = ("metric", "mean", "95 % over works", f"95 % over {evaluation.task.cluster_column}", "mean of classes")
    title = f"{_task(evaluation.task)}: {evaluation.setting} ({evaluation.encoder})"
    return Table(title, header, rows, _counts(evaluation) + _chosen(evaluation))


def settings_table(evaluations: Mapping[str, Evaluation]) -> Table:
    """The result of `evaluate_settings`, one row per setting."""
    rows = tuple((name, one.setting.ranking, *_headline(one.means())) for name, one in evaluations.items())
    first = next(iter(evaluations.values()))
    title = f"{_task(first.task)}, by aspect and ranking ({first.encoder})"
    return Table(title, ("setting", "ranking", *map(title_of, HEADLINE)), rows, _counts(first))


def class_table(evaluation: Evaluation) -> Table:
    """Mean metrics per label, most queries first."""
    label = evaluation.task.label
    rows = tuple((str(item.label), str(item.queries), *_headline(item.means)) for item in by_class(evaluation))
    return Table(f"By {label}", (label, "queries", *map(title_of, HEADLINE)), rows)


def words_table(evaluation: Evaluation) -> Table:
    """What each word for a score is worth."""
    rows = tuple(
        (item.word, f"{item.from_score:.2f}", f"{item.share:.3f}", "-" if item.right is None else f"{item.right:.3f}")
        for item in by_word(evaluation)
    )
    header = ("word", "score from", "share of answers", f"same {evaluation.task.label}")
    return Table("What the words are worth", header, rows, f"The first {TOP} answers of each query.")


def classification_table(found: Reliability, label: str) -> Table:
    """What `Collection.classify` is worth on the collection's own works."""
    figures = {
        "right": found.accuracy,
        "expected calibration error": found.calibration_error,
        "the same by chance, of probabilities that hold": found.chance_error,
        f"answered (at least {SURE:g})": found.answered,
        "right of those": found.right,
    }
    rows = tuple((name, "-" if value is None else f"{value:.3f}") for name, value in figures.items())
    alone = "alone" if found.groups == found.works else f"without the others of its artist ({found.groups} artists)"
    note = f"{found.works} works, each classified {alone}."
    return Table(f"Classified by {label}", ("figure", "value"), rows, note)


def comparison_table(comparison: Comparison) -> Table:
    """Difference of two settings per metric, with interval and p-values."""
    rows = tuple(
        (
            title_of(metric),
            f"{item.first:.3f}",
            f"{item.second:.3f}",
            f"{item.difference:+.3f}",
            _interval(item.clustered_interval, sign="+"),
            _p(item.fisher_p),
            _p(item.student_p),
            f"{item.better}/{item.equal}/{item.worse}",
        )
        for metric, item in comparison.metrics.items()
    )
    first, second = comparison.first, comparison.second
    names = [str(first.setting), str(second.setting)]
    if names[0] == names[1]:
        names = [f"{one.setting} ({one.encoder})" for one in (first, second)]
    note = (
        f"{comparison.queries} queries that count in both; {comparison.left_out} count in one only and are left out. "
        f"The interval draws whole groups of the same {first.task.cluster_column}; the p-values take queries as independent."
    )
    over = f"95 % over {first.task.cluster_column}"
    header = ("metric", "first", "second", "difference", over, "p (Fisher)", "p (Student)", "better/same/worse")
    return Table(", against ".join(names), header, rows, note)


def weights_table(found: SuggestedWeights) -> Table:
    """What the best weights gain, and which to use."""
    rows = (
        ("default", _weights(found.default), f"{found.default_map:.3f}", ""),
        (
            "best",
            _weights(found.weights),
            f"{found.best_map:.3f}",
            f"{found.gain:+.3f} {_interval(found.interval, sign='+')}",
        ),
    )
    use = f"use aspects={dict(found.weights)}" if found.is_better else "keep the default: the gain may be chance"
    note = (
        f"{found.queries} queries of {found.groups} groups, each group in one of the folds. The gain is measured on folds that "
        f"had no part in the choice, with its 95 % interval over groups. So: {use}."
    )
    return Table(f"Weights for {found.label}", ("", "weights", "mAP", "gain"), rows, note)


def _weights(weights: Mapping[Aspect, float]) -> str:
    return " ".join(f"{aspect} {weight:g}" for aspect, weight in weights.items())


def neighbours_table(statistics: Sequence[Neighbours], setting: Setting) -> Table:
    """Label-free statistics, one row per encoder."""
    rows = tuple(
        (
            item.encoder,
            str(item.queries),
            f"{item.cosine_mean:.4f} ± {item.cosine_std:.4f}",
            f"{item.angular_mean:.4f} ± {item.angular_std:.4f}",
            "not known" if item.never_found is None else f"{item.never_found:.1%}",
            "not known" if item.occurrence_max is None else f"{item.occurrence_max:.1%}",
            "not known" if item.occurrence_skewness is None else f"{item.occurrence_skewness:.2f}",
        )
        for item in statistics
    )
    never, most, skewness = "works never found", "most frequent work", "skewness"
    header = ("encoder", "queries", "cosine", "angular distance", never, most, skewness)
    note = (
        "Mean ± standard deviation of raw subject vectors; cosines of different encoders are not comparable. Hubs: share of the "
        "answers that the most frequent work is in, and skewness of the number of answers that a work is in."
    )
    return Table(f"The {statistics[0].k} nearest works ({setting})", header, rows, note)


def encoders_table(comparison: EncoderComparison) -> Table:
    """Statistics of the answers of each encoder to one query; needs no labels."""
    names = [answers.encoder for answers in comparison.answers]
    rows = tuple(
        (
            answers.encoder,
            f"{answers.cosine_mean:.4f} ± {answers.cosine_std:.4f}",
            f"{answers.angular_mean:.4f} ± {answers.angular_std:.4f}",
            f"{answers.margin:.2f}",
            *(f"{comparison.jaccard(answers.encoder, other):.0%}" for other in names),
        )
        for answers in comparison.answers
    )
    header = ("encoder", "cosine", "angular distance", "margin", *(f"as {name}" for name in names))
    note = (
        "Mean ± standard deviation; cosines of different encoders are not comparable, margins are. "
        f"auto takes {comparison.auto}, the plain rule {comparison.mean_cosine}."
    )
    return Table(f"The {len(comparison.answers[0].matches)} best answers", header, rows, note)


def _task(task: Task) -> str:
    return f"Same {task.label}" + (f", no work of the same {task.disjoint}" if task.disjoint else "")


def _counts(evaluation: Evaluation) -> str:
    """Number of queries, and of the works left out with the reason."""
    reasons = {
        f"have no {evaluation.task.label}": evaluation.without_label,
        "have nothing to find": evaluation.without_relevant,
    }
    left_out = ", ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
    return (
        f"{len(evaluation)} queries among {evaluation.candidates} works"
        + (f" ({left_out})" if left_out else "")
        + f". Random answers would have a precision of {evaluation.chance:.3f}."
    )


def _chosen(evaluation: Evaluation) -> str:
    """How often each encoder was selected, where one is selected per query; otherwise empty."""
    if evaluation.setting.encoder != "auto":
        return ""
    return " Chosen: " + ", ".join(f"{name} {count} times" for name, count in evaluation.answered.items()) + "."


def _headline(means: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(f"{means[metric]:.3f}" for metric in HEADLINE)


def _interval(bounds: np.ndarray | Sequence[float] | None, *, sign: str = "") -> str:
    if bounds is None or np.isnan(bounds).any():
        return "one group only"
    low, high = bounds
    return f"{low:{sign}.3f} to {high:{sign}.3f}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
