"""Measure how good a collection's answers are: every labelled work is a query, works of the same label are right."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artsim.errors import QueryError

if TYPE_CHECKING:
    from artsim.collection import Collection
    from artsim.evaluation import Evaluation, Setting, Task
    from artsim.evaluation.report import Section
    from artsim.evaluation.tables import Table

HELP = "measure how good a collection's answers are"
_COMPARED = ("compare_ranking", "compare_aspects", "compare_collection", "compare_encoder")
_OF_TASK = ("disjoint", "where", "cluster")
_NEED_LABEL = ("aspects_table", "classes", *_OF_TASK, *_COMPARED)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--collection", required=True, help="folder of the collection")
    task = parser.add_argument_group("what is right")
    task.add_argument("--label", help="column; works that share a value are right answers to each other")
    task.add_argument("--disjoint", metavar="COLUMN", help="take works with the query's value here out of its ranking")
    task.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE", help="only works that meet this")
    task.add_argument("--cluster", metavar="COLUMN", help="groups for intervals (default: --disjoint, else --label)")
    task.add_argument("--max-queries", type=int, metavar="N", help="a sample of N works asks (default: all)")
    task.add_argument("--seed", type=int, default=0, help="of samples and resamples (default: 0)")
    setting = parser.add_argument_group("how works are ranked")
    setting.add_argument("--ranking", help="tuned, likeness or cosine (default: the preset's, tuned)")
    setting.add_argument("--aspects", help="a preset, or weights such as subject=1,style=1,color=0 (default: balanced)")
    setting.add_argument(
        "--encoder", help="where the collection has several: one of them, auto or fusion (default: the first)"
    )
    setting.add_argument("--auto", choices=("margin", "mean-cosine"), help="with --encoder auto: what it chooses by")
    setting.add_argument("--fusion", choices=("weighted", "reciprocal-rank"), help="with --encoder fusion: how")
    setting.add_argument("--encoder-weights", metavar="NAME=WEIGHT,...", help="with --encoder fusion (default: 1 each)")
    more = parser.add_argument_group("more than the figures")
    more.add_argument("--aspects-table", action="store_true", help="a table of every aspect preset and ranking")
    more.add_argument("--classes", action="store_true", help="a table of every label")
    more.add_argument("--compare-ranking", metavar="RANKING", help="compare with this ranking, with tests (needs ranx)")
    more.add_argument("--compare-aspects", metavar="ASPECTS", help="compare with these aspect weights")
    more.add_argument("--compare-collection", metavar="DIR", help="compare with another collection of the same works")
    more.add_argument("--compare-encoder", metavar="NAME", help="compare with another encoder, auto or fusion")
    more.add_argument(
        "--suggest-weights",
        metavar="LABEL",
        help="try weights of the aspects for this column: which to use, and their gain",
    )
    more.add_argument(
        "--label-free", action="store_true", help="cosine and angular distance over the top k, per encoder"
    )
    more.add_argument("--query", metavar="ID_OR_PICTURE", help="compare the top k of every encoder for this query")
    more.add_argument("--k", type=int, default=10, help="answers for --label-free and --query (default: 10)")
    more.add_argument("--report", type=Path, metavar="FILE.html", help="a web page with the tables and with pictures")
    more.add_argument("--json", type=Path, metavar="FILE", help="all figures as JSON")


@dataclass
class _Results:
    """What a run found: printed as it comes, then written as JSON and as a report."""

    figures: dict[str, Any]
    tables: list[Table] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def show(self, table: Table) -> None:
        print(table.to_markdown())
        self.tables.append(table)


def run(arguments: argparse.Namespace) -> int:
    _check_options(arguments)
    from artsim.evaluation.figures_file import write_figures
    from artsim.evaluation.report import write_report
    from artsim.opening import open_collection

    collection = open_collection(arguments.collection)
    setting = _setting(arguments, arguments.ranking, arguments.aspects, arguments.encoder)
    _check_query(arguments.query, collection)
    results = _Results({"collection": collection.manifest.title})
    if arguments.label:
        _evaluate(arguments, collection, setting, results)
    if arguments.suggest_weights:
        _suggest_weights(arguments, collection, setting, results)
    if arguments.label_free:
        _measure_neighbours(arguments, collection, setting, results)
    if arguments.query:
        _compare_encoders(arguments, collection, setting, results)
    if arguments.report is not None:
        write_report(arguments.report, collection, results.tables, results.sections)
        print(f"Report: {arguments.report}")
    if arguments.json is not None:
        write_figures(arguments.json, results.figures)
        print(f"Figures: {arguments.json}")
    return 0


def _check_options(arguments: argparse.Namespace) -> None:
    """What can be known before anything is measured."""
    if not (arguments.label or arguments.label_free or arguments.query or arguments.suggest_weights):
        message = "give --label COLUMN, --suggest-weights COLUMN, --label-free or --query ID_OR_PICTURE"
        raise argparse.ArgumentError(None, message)
    if arguments.suggest_weights and (arguments.aspects or arguments.encoder in ("auto", "fusion")):
        message = "--suggest-weights tries the weights of one encoder: leave --aspects out, and give no encoder or one of them"
        raise argparse.ArgumentError(None, message)
    for name in _NEED_LABEL:
        if getattr(arguments, name) and not (arguments.label or (name in _OF_TASK and arguments.suggest_weights)):
            raise argparse.ArgumentError(None, f"--{name.replace('_', '-')} needs --label COLUMN")
    encoders = (arguments.encoder, arguments.compare_encoder)
    for name, needs in (("auto", "auto"), ("fusion", "fusion"), ("encoder_weights", "fusion")):
        if getattr(arguments, name) and needs not in encoders:
            raise argparse.ArgumentError(None, f"--{name.replace('_', '-')} needs --encoder {needs}")
    if arguments.report is not None and arguments.report.suffix.lower() not in (".html", ".htm"):
        raise QueryError(f"The report is a web page; give it a name that ends in .html, not {arguments.report.name}.")
    if any(getattr(arguments, name) for name in _COMPARED):
        from artsim.evaluation.compare import paired_tests

        paired_tests()


def _check_query(query: str | None, collection: Collection) -> None:
    if query is not None and query not in collection.state.rows and not Path(query).exists():
        raise QueryError(f"There is neither a work nor a picture {query!r}.")


def _setting(arguments: argparse.Namespace, ranking: str | None, aspects: str | None, encoder: str | None) -> Setting:
    """The setting of a run; None is the default of each. The rules for several encoders are the same in every run.

    A preset brings its own ranking, and the ranking "cosine" compares subjects only.
    """
    from artsim.encoders.presets import PRESET_RANKINGS, PRESETS, Weights
    from artsim.evaluation import Setting

    name = (aspects or "balanced").strip()
    ranking = ranking or PRESET_RANKINGS.get(name, "tuned")
    weights: Weights
    if aspects is None and ranking == "cosine":
        weights = {"subject": 1.0}
    elif name in PRESETS:
        weights = name
    else:
        weights = _parse_weights(name, f"subject=1,style=1,color=0, or a preset: {', '.join(PRESETS)}")
    return Setting(
        ranking=ranking,  # type: ignore[arg-type]
        aspects=weights,
        encoder=encoder,
        auto=arguments.auto or "margin",
        fusion=arguments.fusion or "weighted",
        encoder_weights=_parse_weights(arguments.encoder_weights or "", "clip=2,embedded=1"),
    )


def _parse_weights(text: str, example: str) -> dict[Any, float]:
    """`NAME=WEIGHT,...` as numbers by name; nothing for an empty text. The `QueryError` shows `example`."""
    weights: dict[Any, float] = {}
    for part in text.split(",") if text else ():
        name, sign, value = (piece.strip() for piece in part.partition("="))
        try:
            if not name or not sign or name in weights:
                raise ValueError(part)
            weights[name] = float(value)
        except ValueError:
            raise QueryError(f"The weights {text!r} cannot be read; write weights such as {example}.") from None
    return weights


def _parse_where(conditions: Sequence[str]) -> dict[str, list[str]]:
    """`artist=Monet` as a filter; several for one column mean any of them."""
    where: dict[str, list[str]] = {}
    for condition in conditions:
        column, sign, value = condition.partition("=")
        if not column or not sign:
            raise QueryError(
                f"The condition {condition!r} cannot be read; write COLUMN=VALUE, such as artist=Rembrandt."
            )
        where.setdefault(column, []).append(value)
    return where


def _evaluate(arguments: argparse.Namespace, collection: Collection, setting: Setting, results: _Results) -> None:
    """Everything that needs labels."""
    from artsim.analysis.classification import reliability
    from artsim.evaluation import compare, evaluate, evaluate_settings
    from artsim.evaluation.report import example_sections
    from artsim.evaluation.tables import (
        class_table,
        classification_table,
        comparison_table,
        figures_table,
        settings_table,
        words_table,
    )

    task = _task(arguments, arguments.label)
    evaluation = evaluate(collection, task, setting)
    results.figures |= evaluation.as_json()
    results.show(figures_table(evaluation))
    results.show(words_table(evaluation))
    try:
        found = reliability(collection, arguments.label)
    except QueryError as error:
        print(f"{error}\n")
        results.figures["classification"] = None
    else:
        results.show(classification_table(found, arguments.label))
        results.figures["classification"] = found.model_dump()
    if arguments.aspects_table:
        evaluations = evaluate_settings(collection, task, setting)
        results.show(settings_table(evaluations))
        results.figures["table"] = [
            {"name": name, "ranking": one.setting.ranking, "aspects": dict(one.aspects), **one.means()}
            for name, one in evaluations.items()
        ]
    if any(getattr(arguments, name) for name in _COMPARED):
        comparison = compare(evaluation, _evaluate_other(arguments, collection, task, setting))
        results.show(comparison_table(comparison))
        results.figures["comparison"] = comparison.as_json()
    if arguments.classes:
        results.show(class_table(evaluation))
    if arguments.report is not None:
        results.sections += example_sections(collection, evaluation)


def _task(arguments: argparse.Namespace, label: str) -> Task:
    from artsim.evaluation import Task

    return Task(
        label=label,
        disjoint=arguments.disjoint,
        where=_parse_where(arguments.where),
        cluster=arguments.cluster,
        max_queries=arguments.max_queries,
        seed=arguments.seed,
    )


def _suggest_weights(
    arguments: argparse.Namespace, collection: Collection, setting: Setting, results: _Results
) -> None:
    """The best weights for a column."""
    from artsim.building.progress_bar import ProgressBar
    from artsim.evaluation import suggest_weights
    from artsim.evaluation.tables import weights_table

    bar = ProgressBar("Trying weights")
    try:
        found = suggest_weights(collection, _task(arguments, arguments.suggest_weights), setting, progress=bar)
    finally:
        bar.close()
    results.show(weights_table(found))
    results.figures["suggested_weights"] = found.as_json()


def _evaluate_other(arguments: argparse.Namespace, collection: Collection, task: Task, setting: Setting) -> Evaluation:
    """The same task with what --compare-... changes."""
    from artsim.evaluation import evaluate
    from artsim.opening import open_collection

    other = open_collection(arguments.compare_collection) if arguments.compare_collection else collection
    encoder = arguments.compare_encoder or (None if arguments.compare_collection else setting.encoder)
    aspects = arguments.compare_aspects or arguments.aspects
    ranking = arguments.compare_ranking or (None if arguments.compare_aspects else setting.ranking)
    return evaluate(other, task, _setting(arguments, ranking, aspects, encoder))


def _measure_neighbours(
    arguments: argparse.Namespace, collection: Collection, setting: Setting, results: _Results
) -> None:
    """Statistics that need no labels, for each encoder that is asked."""
    from artsim.evaluation import measure_neighbours
    from artsim.evaluation.tables import neighbours_table
    from artsim.snapshot.state import find_space

    everyone = setting.several or setting.encoder is None
    names = [space.name for space in collection.state.spaces] if everyone else [setting.encoder]
    options = {"k": arguments.k, "max_queries": arguments.max_queries, "seed": arguments.seed}
    found = [measure_neighbours(collection, replace(setting, encoder=name), **options) for name in names]
    results.show(neighbours_table(found, setting))
    if not arguments.label:
        weights = find_space(collection.state, names[0]).weights_by_aspect(setting.aspects)
        results.figures |= {"ranking": setting.ranking, "aspects": dict(weights), "encoder": found[0].encoder}
    results.figures["label_free"] = [asdict(one) for one in found]


def _compare_encoders(
    arguments: argparse.Namespace, collection: Collection, setting: Setting, results: _Results
) -> None:
    """The matches of each encoder for one query."""
    from artsim.evaluation.report import query_section
    from artsim.evaluation.tables import encoders_table

    kind = "work" if arguments.query in collection.state.rows else "image"
    weights: dict[str, Any] = {"preset" if isinstance(setting.aspects, str) else "aspects": setting.aspects}
    comparison = collection.compare_encoders(
        **{kind: arguments.query}, **weights, k=arguments.k, ranking=setting.ranking
    )
    results.show(encoders_table(comparison))
    results.figures["query"] = comparison.as_json()
    if arguments.report is not None:
        results.sections.append(query_section(collection, arguments.query, comparison))
