"""Measure how good a collection's answers are: every labelled work is a query, works of the same label are right."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artsim.errors import QueryError

if TYPE_CHECKING:
    from artsim.collection import Collection
    from artsim.evaluation import Comparison, Evaluation, Setting, Task
    from artsim.evaluation.tables import Table

HELP = "measure how good a collection's answers are"
_COMPARED = ("compare_ranking", "compare_aspects", "compare_collection", "compare_encoder")
_NEED_LABEL = ("aspects_table", "classes", "report", "disjoint", "where", "cluster", *_COMPARED)


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
        "--label-free", action="store_true", help="cosine and angular distance over the top k, per encoder"
    )
    more.add_argument("--k", type=int, default=10, help="answers for --label-free and --plot (default: 10)")
    more.add_argument("--plot", type=Path, metavar="FILE", help="a picture of a query, its top k and their scores")
    more.add_argument("--query", metavar="ID_OR_PICTURE", help="what --plot asks (default: the first work)")
    more.add_argument("--report", type=Path, metavar="FILE.html", help="a web page with successes and failures")
    more.add_argument("--json", type=Path, metavar="FILE", help="all figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    _check_options(arguments)
    from artsim.evaluation.figures_file import write_figures
    from artsim.opening import open_collection

    collection = open_collection(arguments.collection)
    setting = _setting(arguments, arguments.ranking, arguments.aspects, arguments.encoder)
    figures: dict[str, Any] = {"collection": collection.manifest.title}
    if arguments.label:
        figures |= _evaluate(arguments, collection, setting)
    if arguments.label_free:
        # with --label, ranking, aspects and encoder are in the figures already
        figures = _measure_neighbours(arguments, collection, setting) | figures
    if arguments.plot is not None:
        figures["query"] = _plot(arguments, collection, setting)
    if arguments.json is not None:
        write_figures(arguments.json, figures)
        print(f"Figures: {arguments.json}")
    return 0


def _check_options(arguments: argparse.Namespace) -> None:
    if not (arguments.label or arguments.label_free or arguments.plot):
        raise argparse.ArgumentError(None, "give --label COLUMN, --label-free or --plot FILE")
    for name in _NEED_LABEL:
        if getattr(arguments, name) and not arguments.label:
            raise argparse.ArgumentError(None, f"--{name.replace('_', '-')} needs --label COLUMN")
    if arguments.query and not arguments.plot:
        raise argparse.ArgumentError(None, "--query needs --plot FILE")
    encoders = (arguments.encoder, arguments.compare_encoder)
    for name, needs in (("auto", "auto"), ("fusion", "fusion"), ("encoder_weights", "fusion")):
        if getattr(arguments, name) and needs not in encoders:
            raise argparse.ArgumentError(None, f"--{name.replace('_', '-')} needs --encoder {needs}")
    if arguments.report is not None and arguments.report.suffix.lower() not in (".html", ".htm"):
        raise QueryError(f"The report is a web page; give it a name that ends in .html, not {arguments.report.name}.")


def _setting(arguments: argparse.Namespace, ranking: str | None, aspects: str | None, encoder: str | None) -> Setting:
    """The setting of a run; the rules for several encoders are the same in every run."""
    from artsim.evaluation.setting_text import parse_setting

    return parse_setting(
        ranking,
        aspects,
        encoder,
        auto=arguments.auto,
        fusion=arguments.fusion,
        encoder_weights=arguments.encoder_weights,
    )


def _evaluate(arguments: argparse.Namespace, collection: Collection, setting: Setting) -> dict[str, Any]:
    """Everything that needs labels: printed, written to the report, and returned for the JSON file."""
    from artsim.evaluation import Task, evaluate, evaluate_settings, write_report
    from artsim.evaluation.setting_text import parse_where
    from artsim.evaluation.summary import comparison_summary, settings_summary, summary
    from artsim.evaluation.tables import class_table, comparison_table, figures_table, settings_table

    task = Task(
        label=arguments.label,
        disjoint=arguments.disjoint,
        where=parse_where(arguments.where),
        cluster=arguments.cluster,
        max_queries=arguments.max_queries,
        seed=arguments.seed,
    )
    evaluation = evaluate(collection, task, setting)
    figures = summary(evaluation)
    print(figures_table(evaluation).to_markdown())
    tables: list[Table] = []
    if arguments.aspects_table:
        evaluations = evaluate_settings(collection, task, setting)
        tables.append(settings_table(evaluations))
        figures["table"] = settings_summary(evaluations)
    if any(getattr(arguments, name) for name in _COMPARED):
        comparison = _compare(arguments, collection, task, evaluation)
        tables.append(comparison_table(comparison))
        figures["comparison"] = comparison_summary(comparison)
    for table in [*tables, class_table(evaluation)] if arguments.classes else tables:
        print(table.to_markdown())
    if arguments.report is not None:
        write_report(arguments.report, collection, evaluation, tables=tables)
        print(f"Report: {arguments.report}")
    return figures


def _compare(arguments: argparse.Namespace, collection: Collection, task: Task, first: Evaluation) -> Comparison:
    """The same task with what --compare-... changes."""
    from artsim.evaluation import compare, evaluate
    from artsim.opening import open_collection

    other = open_collection(arguments.compare_collection) if arguments.compare_collection else collection
    encoder = arguments.compare_encoder or (None if arguments.compare_collection else first.setting.encoder)
    aspects = arguments.compare_aspects or arguments.aspects
    ranking = arguments.compare_ranking or (None if arguments.compare_aspects else first.setting.ranking)
    return compare(first, evaluate(other, task, _setting(arguments, ranking, aspects, encoder)))


def _measure_neighbours(arguments: argparse.Namespace, collection: Collection, setting: Setting) -> dict[str, Any]:
    """Statistics that need no labels, for each encoder that is asked: printed, and returned for the JSON file."""
    from artsim.evaluation import measure_neighbours
    from artsim.evaluation.neighbours import neighbours_table
    from artsim.evaluation.summary import neighbours_summary

    everyone = [space.name for space in collection.state.spaces]
    names = everyone if setting.several or setting.encoder is None else [setting.encoder]
    settings = [dataclasses.replace(setting, encoder=name) for name in names]
    found = [
        measure_neighbours(collection, one, k=arguments.k, max_queries=arguments.max_queries, seed=arguments.seed)
        for one in settings
    ]
    print(neighbours_table(found, settings[0]).to_markdown())
    return {
        "ranking": setting.ranking,
        "aspects": dict(setting.aspects),
        "encoder": found[0].encoder,
        "label_free": neighbours_summary(found),
    }


def _plot(arguments: argparse.Namespace, collection: Collection, setting: Setting) -> dict[str, Any]:
    """A picture of one query and its answers, and what each encoder answers, for the JSON file."""
    from artsim.evaluation import ask_encoders, save_sheet, search_sheet
    from artsim.evaluation.tables import encoders_table

    save_sheet(search_sheet(collection, arguments.query, setting, k=arguments.k), arguments.plot)
    print(f"Plot: {arguments.plot}")
    comparison = ask_encoders(collection, arguments.query, setting, k=arguments.k)
    print(encoders_table(comparison).to_markdown())
    return comparison.as_json()
