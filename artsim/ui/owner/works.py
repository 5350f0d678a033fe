"""Works on the owner's page: a list with search and paging, and a form for the metadata of one work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc
from starlette.requests import Request

from artsim.columns import column_of, kind_of, write_value
from artsim.curation.session import editable_columns
from artsim.snapshot.state import State
from artsim.ui.addresses import page_address
from artsim.ui.context import Context

_PER_PAGE = 50


def works_list(context: Context, request: Request) -> dict[str, Any]:
    """The values of `owner/works.html`: the works that the request's query finds, latest first, on one of several pages."""
    state, query = context.collection.state, request.query_params.get("q", "")[:200].strip()
    rows = _matching_rows(state, query)[::-1]
    pages = max(1, -(-len(rows) // _PER_PAGE))
    number = min(pages, max(1, _number(request.query_params.get("page", "1"))))
    works = [state.work(row) for row in rows[(number - 1) * _PER_PAGE : number * _PER_PAGE]]
    return {"query": query, "found": len(rows), "works": works, "number": number, "pages": pages}


def _matching_rows(state: State, query: str) -> list[int]:
    """Rows with `query` as a substring of their id, title, artist, ..., ignoring case."""
    if not query:
        return list(range(len(state)))
    rows: set[int] = set()
    for column in state.table.column_names:
        if column_of(column).searched and kind_of(state.table.schema.field(column).type) == "text":
            mask = pc.match_substring(state.table.column(column), query, ignore_case=True)
            rows |= set(pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist())
    return sorted(rows)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 1


def work_form(context: Context, request: Request, work: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `owner/work.html`: the work, its editable columns with their kinds, and the address of the list."""
    schema = context.collection.state.table.schema
    fields = []
    for column in editable_columns(context.collection):
        kind, text = kind_of(schema.field(column).type), write_value(work[column])
        is_prose = kind == "text" and (column_of(column).long or len(text) > 80 or "\n" in text)
        fields.append((column, "prose" if is_prose else kind, text))
    back = {key: request.query_params.get(key) or None for key in ("q", "page")}
    return {"work": work, "fields": fields, "back": page_address("collection", **back)}
