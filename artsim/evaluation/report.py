"""One HTML file that shows what the figures look like: tables, and queries that succeed and fail, with pictures.

Everything is in the file (no script, no request to anywhere); pictures are small thumbnails, and there are a fixed number
of them at most, so that the file stays under about a megabyte however large the collection is.
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
from artsim.images.decode import load_image, thumbnail
from artsim.storage.shards import write_atomically, writing

SHOWN = 5  # answers per query
EXAMPLES = 12  # queries of each kind
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
.asked { border-right: 1px solid #8888; }
.right div { border-bottom: 4px solid #1a7f37; } .wrong div { border-bottom: 4px solid #cf222e; }
"""


@dataclass
class _Pictures:
    """Thumbnails as `data:` addresses, each made once."""

    collection: Collection
    made: dict[int, str] = field(default_factory=dict)

    def tag(self, row: int) -> str:
        """An `img` element; words where the collection keeps no picture, or it cannot be read."""
        if row not in self.made:
            identity = self.collection.ids[row]
            try:
                image = load_image(self.collection.picture(identity), short_side=_SIDE, name=identity)
                data = base64.b64encode(thumbnail(image, side=_SIDE)).decode("ascii")
                self.made[row] = f'<img alt="" src="data:image/webp;base64,{data}">'
            except (CollectionError, ImageError):
                self.made[row] = "<i>no picture</i>"
        return self.made[row]


def write_report(path: Path, collection: Collection, evaluation: Evaluation, *, tables: Sequence[Table] = ()) -> None:
    """Write the report of `evaluation` to `path`, with `tables` after its own figures. `ArtsimError` when it cannot be."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise ArtsimError(f"The report is a web page; give it a name that ends in .html instead of {path.name}.")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, render_report(collection, evaluation, tables=tables))


def render_report(collection: Collection, evaluation: Evaluation, *, tables: Sequence[Table] = ()) -> str:
    """The report as HTML."""
    pictures = _Pictures(collection)
    title = f"{collection.manifest.title}: same {evaluation.task.label}"
    made_of = f"{evaluation.works} works; encoder {evaluation.encoder}, revision {evaluation.revision}."
    good, bad = examples(evaluation, best=True), examples(evaluation, best=False)
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style><body><h1>{html.escape(title)}</h1><p>{html.escape(made_of)}</p>",
        figures_table(evaluation).to_html(),
        *(table.to_html() for table in tables),
        class_table(evaluation, at_most=_CLASSES).to_html(),
        _confusion_table(collection, evaluation).to_html(),
        "<h2>Failures</h2><p>The queries with the lowest average precision, one per label: query, then its best answers.</p>",
        *(_example(collection, evaluation, pictures, number) for number in bad),
        "<h2>Successes</h2><p>The queries with the highest average precision, one per label.</p>",
        *(_example(collection, evaluation, pictures, number) for number in good),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def examples(evaluation: Evaluation, *, best: bool) -> list[int]:
    """Numbers of up to `EXAMPLES` queries with the highest (or lowest) average precision, at most one per label.

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
    found = confusions(collection, evaluation)
    rows = tuple((str(asked), str(answered), str(count)) for asked, answered, count in found[:_CONFUSIONS])
    return Table("Most frequent wrong first answers", (f"{label} of the query", "first answer", "times"), rows)


def _example(collection: Collection, evaluation: Evaluation, pictures: _Pictures, number: int) -> str:
    query = _figure(collection, evaluation, pictures, int(evaluation.rows[number]), "asked", "")
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
    named = ", ".join(map(str, label)) if isinstance(label, list) else str(label)
    lines = [verdict or "Query", named, str(work.get("title") or work["id"])]
    caption = "<br>".join(html.escape(line if len(line) <= 70 else line[:67] + "...") for line in lines)
    return f'<figure class="{kind}"><div>{pictures.tag(row)}</div><figcaption>{caption}</figcaption></figure>'
