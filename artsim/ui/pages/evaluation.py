"""`/evaluation`: how well works with the same label find one another, per preset and ranking, and the worst queries."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.encoders.presets import PRESETS
from artsim.errors import QueryError
from artsim.evaluation import HEADLINE, Evaluation, Task, bootstrap_intervals, by_class, evaluate_settings
from artsim.evaluation.metrics import METRICS
from artsim.evaluation.tables import title_of
from artsim.messages.message import Translated
from artsim.messages.strings import Strings
from artsim.ui.addresses import page_address
from artsim.ui.background import Background
from artsim.ui.context import Context
from artsim.ui.labels import as_text
from artsim.ui.pages.layout import page, view
from artsim.ui.pages.progress import progress_answer, waiting
from artsim.ui.search_form import columns_offered

_MAX_QUERIES = 500  # drawn at random from larger collections
_CLASSES, _FAILURES, _ANSWERS = 20, 5, 5
Evaluations = Mapping[str, Evaluation]


def routes(context: Context) -> list[Route]:
    def evaluate(key: Hashable, progress: object) -> Evaluations:
        assert isinstance(key, Task)
        return evaluate_settings(context.collection, key)

    background = Background("evaluation", context.collection, evaluate)

    def show(localized: Context, request: Request) -> Response:
        strings, task = localized.strings, _requested_task(localized, request)
        status, progress, answer = "", "", {}
        if task is not None:
            running = background.task(task)
            status = running.state  # it may change meanwhile
            if running.answer is not None:
                answer = _figures(localized, running.answer)
            else:
                address = page_address("evaluation-progress", label=task.label, disjoint=task.disjoint)
                progress = waiting(localized, running, status, strings("evaluation.working"), address)
        return page(
            localized,
            "evaluation",
            title=strings("evaluation.title"),
            scripts=("waiting.js",) if status == "working" else (),
            columns=columns_offered(localized.facets),
            task=task,
            progress=progress,
            answer=answer,
        )

    def progress(localized: Context, request: Request) -> Response:
        task = _requested_task(localized, request)
        if task is None:
            raise QueryError(Translated(localized.strings("evaluation.choose")))
        return progress_answer(background.task(task))

    return [
        Route("/evaluation", view(context, "evaluation", show)),
        Route("/evaluation-progress", view(context, "evaluation", progress)),
    ]


def _requested_task(context: Context, request: Request) -> Task | None:
    """None without a label. Raises `QueryError` for columns that cannot be labels."""
    columns = columns_offered(context.facets)
    label, disjoint = request.query_params.get("label"), request.query_params.get("disjoint") or None
    for column in filter(None, (label, disjoint)):
        if column not in columns:
            raise QueryError(Translated(context.strings("evaluation.no-column", columns=", ".join(columns) or "–")))
    return Task(label, disjoint if disjoint != label else None, max_queries=_MAX_QUERIES) if label else None


def _figures(context: Context, evaluations: Evaluations) -> dict[str, Any]:
    """The tables of the page and the queries that fail."""
    strings, first = context.strings, next(iter(evaluations.values()))
    return {
        "first": first,
        "metrics": [title_of(metric) for metric in HEADLINE],
        "settings": [_setting_row(name, evaluation, strings) for name, evaluation in evaluations.items()],
        "classes": [
            [str(item.label), strings.number(item.queries), *_means(item.means, strings)]
            for item in by_class(first)[:_CLASSES]
        ],
        "failures": _failures(context, first),
    }


def _setting_row(name: str, evaluation: Evaluation, strings: Strings) -> list[str]:
    label = strings(f"preset.{name}") if name in PRESETS else strings("ranking.cosine")
    low, high = bootstrap_intervals(evaluation.values, clusters=evaluation.clusters)[METRICS.index("map")]
    interval = "–" if np.isnan(low) else f"{strings.decimal(low, 3)} – {strings.decimal(high, 3)}"
    return [label, *_means(evaluation.means(), strings), interval]


def _means(means: Mapping[str, float], strings: Strings) -> list[str]:
    return [strings.decimal(means[metric], 3) for metric in HEADLINE]


def _failures(context: Context, evaluation: Evaluation) -> list[list[tuple[dict[str, Any], str]]]:
    """The queries with the lowest average precision, each with its first matches: works with their labels."""
    state, worst = context.collection.state, np.argsort(evaluation.of("map"), kind="stable")[:_FAILURES]
    failures = []
    for number in worst.tolist():
        rows = [evaluation.rows[number], *(row for row in evaluation.top[number][:_ANSWERS] if row >= 0)]
        works = [state.work(int(row)) for row in rows]
        failures.append([(work, as_text(work.get(evaluation.task.label))) for work in works])
    return failures
