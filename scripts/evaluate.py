"""Measure how good a collection's answers are: every labelled work is a query, works of the same label are right."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from artsim.cli.run import run_main
from artsim.errors import ArtsimError, QueryError

if TYPE_CHECKING:
    from artsim.collection import Collection
    from artsim.evaluation import Evaluation, Setting, Task
    from artsim.evaluation.tables import Table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
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
    arguments = parser.parse_args()
    if not (arguments.label or arguments.label_free or arguments.plot):
        parser.error("give --label COLUMN, --label-free or --plot FILE")
    for name in ("aspects_table", "classes", "report", "disjoint", "where", "cluster", *_COMPARED):
        if getattr(arguments, name) and not arguments.label:
            parser.error(f"--{name.replace('_', '-')} needs --label COLUMN")
    if arguments.query and not arguments.plot:
        parser.error("--query needs --plot FILE")
    asked = (arguments.encoder, arguments.compare_encoder)
    for name, needs in (("auto", "auto"), ("fusion", "fusion"), ("encoder_weights", "fusion")):
        if getattr(arguments, name) and needs not in asked:
            parser.error(f"--{name.replace('_', '-')} needs --encoder {needs}")
    return arguments


_COMPARED = ("compare_ranking", "compare_aspects", "compare_collection", "compare_encoder")


def main() -> int:
    arguments = parse_arguments()
    from artsim.evaluation import ask_encoders, measure_neighbours, save_sheet, search_sheet
    from artsim.evaluation.neighbours import neighbours_table
    from artsim.evaluation.summary import neighbours_summary
    from artsim.evaluation.tables import encoders_table
    from artsim.opening import open_collection

    if arguments.report is not None and arguments.report.suffix.lower() not in (".html", ".htm"):
        raise ArtsimError(f"The report is a web page; give it a name that ends in .html, not {arguments.report.name}.")
    collection = open_collection(arguments.collection)
    setting = parse_setting(arguments, arguments.ranking, arguments.aspects, arguments.encoder)
    figures: dict[str, Any] = {"collection": collection.manifest.title}
    if arguments.label:
        figures |= _evaluate(arguments, collection, setting)
    if arguments.label_free:
        everyone = [space.name for space in collection.state.spaces]
        names = everyone if setting.several or setting.encoder is None else [setting.encoder]
        settings = [dataclasses.replace(setting, encoder=name) for name in names]
        found = [
            measure_neighbours(collection, one, k=arguments.k, max_queries=arguments.max_queries, seed=arguments.seed)
            for one in settings
        ]
        print(neighbours_table(found, settings[0]).to_markdown())
        asked = {"ranking": setting.ranking, "aspects": dict(setting.aspects), "encoder": found[0].encoder}
        figures = asked | figures  # with --label, these are said already
        figures["label_free"] = neighbours_summary(found)
    if arguments.plot is not None:
        save_sheet(search_sheet(collection, arguments.query, setting, k=arguments.k), arguments.plot)
        print(f"Plot: {arguments.plot}")
        comparison = ask_encoders(collection, arguments.query, setting, k=arguments.k)
        print(encoders_table(comparison).to_markdown())
        figures["query"] = comparison.as_json()
    if arguments.json is not None:
        write_json(arguments.json, figures)
    return 0


def _evaluate(arguments: argparse.Namespace, collection: Collection, setting: Setting) -> dict[str, Any]:
    """Everything that needs labels: printed, written to the report, and returned for the JSON file."""
    from artsim.evaluation import Task, evaluate, evaluate_settings, write_report
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


def _compare(arguments: argparse.Namespace, collection: Collection, task: Task, first: Evaluation) -> Any:
    """The same task with what --compare-... changes."""
    from artsim.evaluation import compare, evaluate
    from artsim.opening import open_collection

    other = open_collection(arguments.compare_collection) if arguments.compare_collection else collection
    encoder = arguments.compare_encoder or (None if arguments.compare_collection else first.setting.encoder)
    aspects = arguments.compare_aspects or arguments.aspects
    ranking = arguments.compare_ranking or (None if arguments.compare_aspects else first.setting.ranking)
    second = evaluate(other, task, parse_setting(arguments, ranking, aspects, encoder))
    return compare(first, second)


def parse_setting(
    arguments: argparse.Namespace, ranking: str | None, aspects: str | None, encoder: str | None
) -> Setting:
    """What was asked for, the rules for several encoders as in `arguments`.

    A preset brings its own ranking, and the ranking "cosine" compares subjects only.
    """
    from artsim.encoders.presets import PRESET_RANKINGS
    from artsim.evaluation import Setting

    name = (aspects or "balanced").strip()
    ranking = ranking or PRESET_RANKINGS.get(name, "tuned")
    weights = {"subject": 1.0} if aspects is None and ranking == "cosine" else parse_aspects(name)
    return Setting(
        ranking=ranking,  # type: ignore[arg-type]
        aspects=weights,
        encoder=encoder,
        auto=arguments.auto or "margin",
        fusion=arguments.fusion or "weighted",
        encoder_weights=parse_weights(arguments.encoder_weights or "", "clip=2,embedded=1"),
    )


def parse_aspects(text: str) -> dict[Any, float]:
    """`subject=1,style=0.5` or the name of a preset as weights. `QueryError` for what is neither."""
    from artsim.encoders.presets import PRESETS

    if text in PRESETS:
        return dict(PRESETS[text])
    return parse_weights(text, f"subject=1,style=1,color=0, or a preset: {', '.join(PRESETS)}")


def parse_weights(text: str, example: str) -> dict[Any, float]:
    """`NAME=WEIGHT,...` as numbers by name; nothing for an empty text."""
    weights: dict[Any, float] = {}
    if not text:
        return weights
    for part in text.split(","):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        try:
            if not name or not sign or name in weights:
                raise ValueError(part)
            weights[name] = float(value)
        except ValueError:
            raise QueryError(f"The weights {text!r} cannot be read; write weights such as {example}.") from None
    return weights


def parse_where(conditions: Sequence[str]) -> dict[str, list[str]]:
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


def write_json(path: Path, figures: dict[str, Any]) -> None:
    """`ArtsimError` when it cannot be written."""
    from artsim.storage.shards import write_atomically, writing

    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    print(f"Figures: {path}")


if __name__ == "__main__":
    run_main(main)
