"""HTML report: tables, and rows of pictures: queries that succeed and fail, or one query with every encoder's matches.

The file is self-contained: no scripts, no requests. The number of thumbnails is bounded, so that it stays under about a
megabyte for a collection of any size. The markup is in report.html.
"""

from __future__ import annotations

import base64
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artsim.collection import Collection
from artsim.errors import CollectionError, ImageError
from artsim.evaluation.run import Evaluation
from artsim.evaluation.tables import Table
from artsim.files.atomic import write_atomically
from artsim.images.decode import load_image
from artsim.images.thumbnails import thumbnail
from artsim.search.encoder_comparison import EncoderComparison

SHOWN = 5  # answers per query
EXAMPLES = 12  # queries per section: failures, successes
_SIDE = 112


@dataclass(frozen=True)
class Figure:
    """A picture (a `data:` URL; empty where there is none that can be read) over its caption."""

    kind: str
    """"query", "match", "right" or "wrong": the class of the element."""
    picture: str
    caption: Sequence[str]


@dataclass(frozen=True)
class Section:
    """Rows of pictures under a heading; each row begins with a query."""

    heading: str
    note: str
    rows: Sequence[Sequence[Figure]]


def write_report(path: Path, collection: Collection, tables: Iterable[Table], sections: Iterable[Section]) -> None:
    """Write the report to the HTML file `path`. `CollectionError` when it cannot be written."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = environment.get_template("report.html").render(collection=collection, tables=tables, sections=sections)
    write_atomically(path, page)


def example_sections(collection: Collection, evaluation: Evaluation) -> list[Section]:
    """Failures and successes: up to `EXAMPLES` queries each, at most one per label, their answers marked right or wrong."""
    precision, first_is_right = evaluation.of("map"), evaluation.right[:, 0]
    sections = []
    for heading, extreme, best in (("Failures", "lowest", False), ("Successes", "highest", True)):
        order = np.argsort(-precision if best else precision, kind="stable")
        chosen: dict[tuple[Hashable, ...], int] = {}
        for number in order[first_is_right[order] == best].tolist():
            chosen.setdefault(evaluation.labels[number], number)
        rows = [_example(collection, evaluation, number) for number in list(chosen.values())[:EXAMPLES]]
        note = f"The queries with the {extreme} average precision, one per label: query, then its best answers."
        sections.append(Section(heading, note, rows))
    return sections


def _example(collection: Collection, evaluation: Evaluation, number: int) -> list[Figure]:
    verdicts = ["right" if is_right else "wrong" for is_right in evaluation.right[number, :SHOWN]]
    captions = [
        ("query", "Query"),
        *((verdict, f"{rank}. {verdict}") for rank, verdict in enumerate(verdicts, start=1)),
    ]
    figures = []
    for row, (kind, verdict) in zip([evaluation.rows[number], *evaluation.top[number, :SHOWN]], captions, strict=True):
        if row >= 0:
            work = collection.state.work(int(row))
            label = work.get(evaluation.task.label)
            text = ", ".join(map(str, label)) if isinstance(label, list) else str(label)
            figures.append(Figure(kind, _picture(collection, work["id"]), (verdict, text, _title(work))))
    return figures


def query_section(collection: Collection, query: str, comparison: EncoderComparison) -> Section:
    """The matches of every encoder for `query`, a work id or the path of a picture, with their scores."""
    is_work = query in collection.state.rows
    title = _title(collection.work(query)) if is_work else Path(query).name
    picture = _picture(collection, query) if is_work else _data_url(query, title)
    rows = []
    for answers in comparison.answers:
        row = [Figure("query", picture, (answers.encoder, title))]
        for match in answers.matches:
            scores = (f"cosine {match.cosine:.4f}", f"angular distance {match.angular_distance:.4f}")
            caption = (f"{match.rank}. {_title(match.work)}", *scores, f"{match.word} ({match.score:.2f})")
            row.append(Figure("match", _picture(collection, match.id), caption))
        rows.append(row)
    return Section(f"Matches of {title}", "One row for each encoder: query, then its matches with their scores.", rows)


def _title(work: Any) -> str:
    return str(work.get("title") or work["id"])


def _picture(collection: Collection, identity: str) -> str:
    try:
        return _data_url(collection.picture(identity), identity)
    except (CollectionError, ImageError):
        return ""


def _data_url(source: Any, name: str) -> str:
    image = load_image(source, short_side=_SIDE, name=name)
    return "data:image/webp;base64," + base64.b64encode(thumbnail(image, side=_SIDE)).decode("ascii")
