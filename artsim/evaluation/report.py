"""HTML report of an evaluation: tables, and example queries that succeed and fail, with pictures.

The file is self-contained: no scripts, no requests. The number of thumbnails is bounded, so that it stays under about a
megabyte for a collection of any size.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from artsim.collection import Collection
from artsim.errors import ArtsimError, CollectionError, ImageError
from artsim.evaluation.run import Evaluation, confusions
from artsim.evaluation.tables import Table, class_table, figures_table
from artsim.files.atomic import write_atomically, writing
from artsim.images.decode import load_image
from artsim.images.thumbnails import thumbnail

SHOWN = 5  # answers per query
EXAMPLES = 12  # queries per section: failures, successes
_SIDE = 112
_CLASSES, _CONFUSIONS = 40, 15

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.row { display: flex; gap: .6rem; margin: 1rem 0; flex-wrap: wrap; }
figure { margin: 0; width: 120px; font-size: .75rem; line-height: 1.3; overflow-wrap: anywhere; }
figure div { height: 112px; display: flex; align-items: end; }
img { max-width: 112px; max-height: 112px; display: block; }
.query { border-right: 1px solid #8888; }
.right div { border-bottom: 4px solid #1a7f37; } .wrong div { border-bottom: 4px solid #cf222e; }
"""


@dataclass
class _Pictures:
    """Thumbnails as `data:` URLs, each made once."""

    collection: Collection
    tags: dict[int, str] = field(default_factory=dict)

    def tag(self, row: int) -> str:
        """An `img` element, or "no picture" where the collection has none that can be read."""
        if row not in self.tags:
            identity = self.collection.ids[row]
            try:
                image = load_image(self.collection.picture(identity), short_side=_SIDE, name=identity)
                data = base64.b64encode(thumbnail(image, side=_SIDE)).decode("ascii")
                self.tags[row] = f'<img alt="" src="data:image/webp;base64,{data}">'
            except (CollectionError, ImageError):
                self.tags[row] = "<i>no picture</i>"
        return self.tags[row]


def write_report(path: Path, collection: Collection, evaluation: Evaluation, *, tables: Sequence[Table] = ()) -> None:
    """Write the report of `evaluation` to the HTML file `path`, with `tables` after its metrics.

    `ArtsimError` for another file type, or when the file cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise ArtsimError(f"The report is a web page; give it a name that ends in .html instead of {path.name}.")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, render_report(collection, evaluation, tables=tables))


def render_report(collection: Collection, evaluation: Evaluation, *, tables: Sequence[Table] = ()) -> str:
    """The report as an HTML page."""
    pictures = _Pictures(collection)
    title = f"{collection.manifest.title}: same {evaluation.task.label}"
    facts = f"{evaluation.works} works; encoder {evaluation.encoder}, revision {evaluation.revision}."
    successes, failures = examples(evaluation, best=True), examples(evaluation, best=False)
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style><body><h1>{html.escape(title)}</h1><p>{html.escape(facts)}</p>",
        figures_table(evaluation).to_html(),
        *(table.to_html() for table in tables),
        class_table(evaluation, at_most=_CLASSES).to_html(),
        _confusion_table(collection, evaluation).to_html(),
        "<h2>Failures</h2><p>The queries with the lowest average precision, one per label: query, then its best answers.</p>",
        *(_example(collection, evaluation, pictures, number) for number in failures),
        "<h2>Successes</h2><p>The queries with the highest average precision, one per label.</p>",
        *(_example(collection, evaluation, pictures, number) for number in successes),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def examples(evaluation: Evaluation, *, best: bool) -> list[int]:
    """Indices of up to `EXAMPLES` queries with the highest (or lowest) average precision, at most one per label.

    A success has a right first answer, a failure a wrong one.
    """
    precision = evaluation.of("map")
    order = np.argsort(-precision if best else precision, kind="stable")
    chosen: list[int] = []
    seen = set()
    for number in order.tolist():
        label = evaluation.labels[number]
        if bool(evaluation.right[number, 0]) == best and label not in seen:
            seen.add(label)
            chosen.append(number)
        if len(chosen) == EXAMPLES:
            break
    return chosen


def _confusion_table(collection: Collection, evaluation: Evaluation) -> Table:
    label = evaluation.task.label
    most_frequent = confusions(collection, evaluation)[:_CONFUSIONS]
    rows = tuple((str(expected), str(answered), str(count)) for expected, answered, count in most_frequent)
    return Table("Most frequent wrong first answers", (f"{label} of the query", "first answer", "times"), rows)


def _example(collection: Collection, evaluation: Evaluation, pictures: _Pictures, number: int) -> str:
    query = _figure(collection, evaluation, pictures, int(evaluation.rows[number]), "query", "")
    answers = [
        _figure(
            collection,
            evaluation,
            pictures,
            row,
            "right" if right else "wrong",
            f"{rank}. {'right' if right else 'wrong'}",
        )
        for rank, (row, right) in enumerate(
            zip(evaluation.top[number, :SHOWN].tolist(), evaluation.right[number, :SHOWN].tolist(), strict=True),
            start=1,
        )
        if row >= 0
    ]
    return f'<div class="row">{query}{"".join(answers)}</div>'


def _figure(
    collection: Collection, evaluation: Evaluation, pictures: _Pictures, row: int, kind: str, verdict: str
) -> str:
    work = collection.state.work(row)
    label = work.get(evaluation.task.label)
    label_text = ", ".join(map(str, label)) if isinstance(label, list) else str(label)
    lines = [verdict or "Query", label_text, str(work.get("title") or work["id"])]
    caption = "<br>".join(html.escape(line if len(line) <= 70 else line[:67] + "...") for line in lines)
    return f'<figure class="{kind}"><div>{pictures.tag(row)}</div><figcaption>{caption}</figcaption></figure>'
