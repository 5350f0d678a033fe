"""The columns of a source's works: what they hold, and how artsim uses them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from artsim.columns import column_of, kind_of, label_columns, write_value
from artsim.snapshot.facets import choose_facets
from artsim.snapshot.state import State, metadata_table
from artsim.sources import Work
from artsim.storage.pictures import AbsentPictures, Pictures

_EXAMPLES = 3
_LONGEST_EXAMPLE = 60  # characters
_RIGHTS = ("license", "rights")
_USES = {
    "id": "identifier",
    "url": "link to the work",
    "image_url": "address of the picture",
    "license": "licence",
    "rights": "rights",
}


@dataclass(frozen=True)
class InspectedColumn:
    """One metadata column."""

    name: str
    type: str
    """One of `artsim.columns.KINDS`, or Arrow's name of it."""
    roles: tuple[str, ...]
    """How artsim uses it: "title", "artist", "date", "filter", "search", and those of `_USES`; none: it is shown."""
    missing: float | None
    """Share of the works without a value; None if no work was read."""
    examples: tuple[str, ...]


def inspect_columns(features: Mapping[str, Any], works: Sequence[Work]) -> list[InspectedColumn]:
    """The columns of `features`, `datasets` features, over the works that were read. Raises `QueryError` as a build does."""
    from datasets import Value

    features = {"id": Value("string"), **features}
    table = metadata_table(works, features)
    state = State(table, (), features, Pictures.of(AbsentPictures(len(works))))
    filters = {facet.column for facet in choose_facets(state)} if works else set()
    return [_inspect(table, name, filters) for name in table.column_names]


def rights_of(works: Sequence[Work]) -> dict[str, dict[str, int]]:
    """The values of the columns of rights, most frequent first, with their numbers of works; "" for none."""
    columns = [name for name in _RIGHTS if any(work.get(name) for work in works)]
    return {name: dict(Counter(str(work.get(name) or "") for work in works).most_common()) for name in columns}


def _inspect(table: pa.Table, name: str, filters: set[str]) -> InspectedColumn:
    column, known = table.column(name), column_of(name)
    kind = kind_of(column.type)
    roles = [part for part in ("title", "artist", "date") if _label(table, part) == name]
    roles += [_USES[name]] if name in _USES else []
    roles += ["filter"] if name in filters else []
    roles += ["search"] if known.searched and kind in ("text", "list") else []
    values = [value for value in column.to_pylist() if value not in (None, "", [])]
    examples = itertools.islice(dict.fromkeys(_shortened(write_value(value)) for value in values), _EXAMPLES)
    missing = None if not len(table) else 1 - len(values) / len(table)
    return InspectedColumn(name, kind or str(column.type), tuple(roles), missing, tuple(examples))


def _label(table: pa.Table, part: str) -> str | None:
    return next((name for name in label_columns(part) if name in table.column_names), None)


def _shortened(text: str) -> str:
    text = " ".join(text[: 2 * _LONGEST_EXAMPLE].split())
    return text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…"
