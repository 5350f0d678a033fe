"""`/evaluation`: how well works with the same label find one another, per preset and ranking, and the worst queries."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.encoders.presets import PRESETS
from artsim.evaluation import HEADLINE, ClassFigures, Evaluation, Task, bootstrap_intervals, by_class, evaluate_settings
from artsim.evaluation.metrics import METRICS
from artsim.evaluation.tables import title_of
from artsim.messages.strings import Strings
from artsim.ui.addresses import page_address, search_address
from artsim.ui.background import Background, BackgroundTask
from artsim.ui.context import Context
from artsim.ui.error_text import TranslatedError
from artsim.ui.markup import Markup, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.progress import progress_answer, waiting
from artsim.ui.pages.tiles import tile

_MAX_QUERIES = 500  # drawn at random from larger collections
_CLASSES, _FAILURES, _ANSWERS = 20, 5, 5
Evaluations = Mapping[str, Evaluation]


@dataclass(frozen=True)
class _TaskKey:
    """The evaluation that an address requests: see `artsim.evaluation.Task`."""

    label: str
    disjoint: str | None


def routes(context: Context) -> list[Route]:
    tasks = Background("evaluation", context.collection, lambda key, progress: _evaluate(context, key))

    def page(localized: Context, request: Request) -> Response:
        key = _task_key(localized, request)
        return _page(localized, key, tasks.task(key) if key is not None else None)

    def progress(localized: Context, request: Request) -> Response:
        key = _task_key(localized, request)
        if key is None:
            raise TranslatedError(localized.strings("evaluation.choose"))
        return progress_answer(tasks.task(key))

    return [
        Route("/evaluation", view(context, "evaluation", page)),
        Route("/evaluation-progress", view(context, "evaluation", progress)),
    ]


def label_columns(context: Context) -> list[str]:
    """Columns whose values can be labels."""
    return [facet.column for facet in context.facets if facet.kind == "values"]


def _evaluate(context: Context, key: Hashable) -> Evaluations:
    assert isinstance(key, _TaskKey)
    return evaluate_settings(context.collection, Task(key.label, key.disjoint, max_queries=_MAX_QUERIES))


def _task_key(context: Context, request: Request) -> _TaskKey | None:
    """None without a label. Raises `QueryError` for columns that cannot be labels."""
    columns = label_columns(context)
    label, disjoint = request.query_params.get("label"), request.query_params.get("disjoint") or None
    for column in filter(None, (label, disjoint)):
        if column not in columns:
            raise TranslatedError(context.strings("evaluation.no-column", columns=", ".join(columns) or "–"))
    return _TaskKey(label, disjoint if disjoint != label else None) if label else None


def _page(context: Context, key: _TaskKey | None, task: BackgroundTask[Evaluations] | None) -> Response:
    strings = context.strings
    content: list[Markup] = []
    if task is not None and key is not None and task.state != "done":
        address = page_address("evaluation-progress", label=key.label, disjoint=key.disjoint)
        content = [waiting(context, task, strings("evaluation.working"), address)]
    elif task is not None and task.answer is not None:
        content = _answer(context, task.answer)
    return document(
        context,
        "evaluation",
        element("h1", strings("evaluation.title")),
        element("p", strings("evaluation.lead"), class_="lead"),
        _form(context, key),
        *content,
        title=strings("evaluation.title"),
        scripts=("waiting.js",) if task is not None and task.state == "working" else (),
    )


def _form(context: Context, key: _TaskKey | None) -> Markup:
    strings, columns = context.strings, label_columns(context)
    if not columns:
        return element("p", strings("evaluation.no-labels"))
    none = [("", strings("evaluation.disjoint.none"))]
    named = [(column, strings.column(column)) for column in columns]
    return element(
        "form",
        _choice("label", strings("evaluation.label"), named, key.label if key else None),
        _choice("disjoint", strings("evaluation.disjoint"), none + named, key.disjoint if key else None),
        element("button", strings("evaluation.measure"), type="submit", class_="primary"),
        class_="row",
        action="./evaluation",
    )


def _choice(name: str, label: str, options: list[tuple[str, str]], chosen: str | None) -> Markup:
    items = [element("option", words, value=value, selected=value == (chosen or "")) for value, words in options]
    return element("label", label, element("select", *items, name=name), class_="field")


def _answer(context: Context, evaluations: Evaluations) -> list[Markup]:
    strings, first = context.strings, next(iter(evaluations.values()))
    count = strings(
        "evaluation.count",
        queries=strings.number(len(first)),
        works=strings.number(first.candidates),
        chance=strings.decimal(first.chance, 3),
    )
    classes = by_class(first)
    return [
        element("p", count),
        element("h2", strings("evaluation.settings")),
        _settings(strings, evaluations),
        element("p", strings("evaluation.metrics"), class_="fine prose"),
        element("h2", strings("evaluation.classes")),
        _classes(strings, classes[:_CLASSES]),
        element("h2", strings("evaluation.failures")),
        element("p", strings("evaluation.failures.info"), class_="prose"),
        *_failures(context, first),
    ]


def _settings(strings: Strings, evaluations: Evaluations) -> Markup:
    rows = []
    for name, evaluation in evaluations.items():
        label = strings(f"preset.{name}") if name in PRESETS else strings("ranking.cosine")
        means = evaluation.means()
        low, high = bootstrap_intervals(evaluation.values, clusters=evaluation.clusters)[METRICS.index("map")]
        interval = "–" if np.isnan(low) else f"{strings.decimal(low, 3)} – {strings.decimal(high, 3)}"
        rows.append([label, *(strings.decimal(means[metric], 3) for metric in HEADLINE), interval])
    header = [strings("evaluation.setting"), *map(title_of, HEADLINE), strings("evaluation.interval")]
    return _table(header, rows)


def _classes(strings: Strings, classes: list[ClassFigures]) -> Markup:
    rows = [
        [
            str(item.label),
            strings.number(item.queries),
            *(strings.decimal(item.means[metric], 3) for metric in HEADLINE),
        ]
        for item in classes
    ]
    return _table([strings("evaluation.value"), strings("evaluation.queries"), *map(title_of, HEADLINE)], rows)


def _failures(context: Context, evaluation: Evaluation) -> list[Markup]:
    """The queries with the lowest average precision, each with its first matches."""
    worst = np.argsort(evaluation.of("map"), kind="stable")[:_FAILURES]
    state, strings = context.collection.state, context.strings
    sections = []
    for number in worst.tolist():
        works: list[dict[str, Any]] = [state.work(int(evaluation.rows[number]))]
        works += [state.work(int(row)) for row in evaluation.top[number][:_ANSWERS] if row >= 0]
        notes = [_value(work, evaluation.task.label) for work in works]
        notes[0] = strings("within.values", column=strings("evaluation.asked"), values=notes[0])
        tiles = [
            tile(work, strings, href=search_address(strings.language, work), note=note)
            for work, note in zip(works, notes, strict=True)
        ]
        sections.append(element("ul", *tiles, class_="grid"))
    return sections


def _value(work: Mapping[str, Any], column: str) -> str:
    value = work.get(column)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(header: list[str], rows: list[list[str]]) -> Markup:
    head = [element("th", name, scope="col", class_="number" if place else None) for place, name in enumerate(header)]
    body = [
        element("tr", element("th", row[0], scope="row"), *(element("td", cell, class_="number") for cell in row[1:]))
        for row in rows
    ]
    table = element("table", element("thead", element("tr", *head)), element("tbody", *body))
    return element("div", table, class_="scrolling", tabindex="0", role="region", aria_label=header[0])
