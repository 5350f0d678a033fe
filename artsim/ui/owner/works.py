"""Works on the owner's page: a list with search and paging, and a form for the metadata of one work."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pyarrow.compute as pc
from starlette.requests import Request

from artsim.columns import column_of, kind_of, write_value
from artsim.curation.session import editable_columns
from artsim.images.thumbnails import LARGE, SMALL
from artsim.messages.strings import Strings
from artsim.snapshot.state import State
from artsim.ui.addresses import picture_address
from artsim.ui.context import Context
from artsim.ui.labels import label_of
from artsim.ui.markup import Markup, button, element, join
from artsim.ui.owner.forms import PAGE, field

_PER_PAGE = 50


def works_list(context: Context, request: Request) -> Markup:
    strings, query = context.strings, request.query_params.get("q", "")[:200].strip()
    state = context.collection.state
    rows = _matching_rows(state, query)[::-1]  # latest first
    pages = max(1, -(-len(rows) // _PER_PAGE))
    page = min(pages, max(1, _number(request.query_params.get("page", "1"))))
    shown = [state.work(row) for row in rows[(page - 1) * _PER_PAGE : page * _PER_PAGE]]
    count = strings("collection.works.count", count=strings.number(len(rows)), total=strings.number(len(state)))
    find = element(
        "form",
        field("q", strings("collection.works.find"), value=query, type="search"),
        element("button", strings("collection.works.find.button"), type="submit", class_="plain"),
        method="get", action=f"./{PAGE}", role="search", class_="find",
    )  # fmt: skip
    table = element(
        "table",
        element("caption", count),
        element("thead", element("tr", *_headings(strings))),
        element("tbody", *(_row(work, strings, query, page) for work in shown)),
    )
    remove = button(strings("collection.works.remove"), class_="plain", data_action="remove", disabled=True)
    return element(
        "section",
        element("h2", strings("collection.works.title"), id="works-title"),
        find,
        element("div", table, class_="table-scroll") if shown else element("p", strings("collection.works.none")),
        element("div", remove, element("span", id="chosen", class_="fine", role="status"), class_="with-chosen"),
        _paging(strings, query, page, pages),
        id="works", aria_labelledby="works-title",
    )  # fmt: skip


def _headings(strings: Strings) -> list[Markup]:
    everything = strings("collection.works.all")
    box = element("input", type="checkbox", data_action="all", aria_label=everything, title=everything)
    words = [strings(f"collection.works.{name}") for name in ("work", "made", "edit")]
    return [element("th", box, scope="col"), *(element("th", word, scope="col") for word in words)]


def _row(work: dict[str, Any], strings: Strings, query: str, page: int) -> Markup:
    label, identity = label_of(work), str(work["id"])
    address = f"./{PAGE}?{urlencode({'work': identity, 'q': query, 'page': page})}"
    chosen = strings("collection.works.choose", title=label.title)
    picture = element("img", src=picture_address(work, SMALL), alt="", loading="lazy", decoding="async")
    edit = element(
        "a", strings("collection.works.edit.one"), element("span", f" {label.title}", class_="unseen"), href=address
    )
    return element(
        "tr",
        element("td", element("input", type="checkbox", value=identity, name="chosen", aria_label=chosen)),
        element("th", element("span", picture, class_="tiny"), element("span", label.title), scope="row"),
        element("td", label.by),
        element("td", edit),
    )


def _paging(strings: Strings, query: str, page: int, pages: int) -> Markup:
    if pages == 1:
        return Markup("")
    links = [
        element("a", strings(key), href=f"./{PAGE}?{urlencode({'q': query, 'page': to})}#works")
        if 1 <= to <= pages
        else ""
        for key, to in (("collection.works.previous", page - 1), ("collection.works.next", page + 1))
    ]
    where = element("span", strings("collection.works.page", page=page, pages=pages))
    return element("nav", links[0], where, links[1], aria_label=strings("collection.works.pages"), class_="paging")


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


def work_form(context: Context, request: Request, identity: str) -> Markup:
    """Form to edit the work `identity`. Raises `QueryError` if there is none."""
    strings, collection = context.strings, context.collection
    work = collection.work(identity)
    label = label_of(work)
    schema = collection.state.table.schema
    fields = [
        _metadata_field(name, schema.field(name).type, work[name], strings) for name in editable_columns(collection)
    ]
    back = {key: request.query_params[key] for key in ("q", "page") if request.query_params.get(key)}
    address = f"./{PAGE}?{urlencode(back)}" if back else f"./{PAGE}"
    return join(
        element("p", element("a", strings("collection.work.back"), href=address + "#works")),
        element("h1", label.title),
        element("p", id="trouble", class_="notice", role="alert", hidden=True),
        element("div",
            element("p", element("img", src=picture_address(work, LARGE), alt=label.title), class_="work-picture"),
            element("form",
                element("p", strings("collection.work.id", id=identity), class_="fine"),
                *fields,
                element("div",
                    element("button", strings("collection.work.save"), type="submit", class_="primary"),
                    button(strings("collection.work.remove"), class_="plain", data_action="remove-this"),
                    class_="form-buttons"),
                id="work", data_id=identity, data_back=address, class_="own-form"),
            class_="work-editing"),
    )  # fmt: skip


def _metadata_field(name: str, arrow_type: Any, value: Any, strings: Strings) -> Markup:
    type_name, text = kind_of(arrow_type), write_value(value)
    label = element("span", strings.column(name))
    if type_name == "list":
        hint = element("span", strings("collection.work.list"), class_="fine")
        area = element("textarea", "\n" + text, name=name, rows=max(2, min(8, text.count("\n") + 2)))
        return element("label", label, area, hint, class_="field")
    if type_name == "text" and (column_of(name).long or len(text) > 80 or "\n" in text):
        return element("label", label, element("textarea", "\n" + text, name=name, rows=2), class_="field")
    if type_name == "yes or no":
        words = {"": "–", "yes": strings("collection.work.yes"), "no": strings("collection.work.no")}
        options = [element("option", word, value=key, selected=key == text) for key, word in words.items()]
        return element("label", label, element("select", *options, name=name), class_="field")
    numeric = {"inputmode": "decimal"} if type_name in ("number", "whole number") else {}
    return element(
        "label", label, element("input", type="text", name=name, value=text or None, autocomplete="off", **numeric),
        class_="field",
    )  # fmt: skip
