"""Components for the query and for the address of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import Field

from artsim.messages.strings import Strings
from artsim.search.query import Part
from artsim.ui.gradio_overrides.html_component import HtmlComponent, PageValue
from artsim.ui.gradio_overrides.uploads import UploadsOnly
from artsim.ui.search_form import LONGEST_TEXT, MOST_PARTS
from artsim.ui.templates import render


class PartData(PageValue):
    """One part of the query as the page stores it: exactly one of `picture`, `work` and `text`."""

    picture: gr.FileData | None = None
    work: str | None = None
    text: str | None = None
    weight: float = 1
    region: list[float] | None = None
    upload: str | None = None
    """The path of an upload that the page has already; replaces `picture` on the way to the page."""
    title: str = ""
    address: str = ""
    """Address of the small thumbnail of a work."""
    large: str = ""


class QueryData(PageValue):
    parts: list[PartData] = Field(default_factory=list)


class QueryInput(UploadsOnly, HtmlComponent):
    """The parts of the query: uploaded, pasted or photographed pictures, works of the collection, and texts.

    Its value is a tuple of `Part`, uploads as the paths of their files. Fires `input` at every change.
    """

    data_model = QueryData

    def __init__(self, strings: Strings, **more: Any) -> None:
        self.refusal = strings("notice.url")
        markup = render("search_page/query_panel.html", strings, longest_text=LONGEST_TEXT)
        super().__init__(markup, "query.js", value=None, elem_id="query", **more)

    def preprocess(self, payload: QueryData | None) -> tuple[Part, ...]:
        return tuple(self._part(data) for data in payload.parts[:MOST_PARTS]) if payload else ()

    def _part(self, data: PartData) -> Part:
        """Convert one part without validation; the search refuses invalid parts."""
        region = tuple(data.region) if data.region else None
        return Part(
            image=self.uploaded(data.picture) if data.picture else None,
            work=data.work,
            text=data.text[:LONGEST_TEXT] if data.text else None,
            region=region,  # type: ignore[arg-type]  # of any length, until the search has looked at it
            weight=data.weight,
        )

    def postprocess(self, value: list[PartData] | None) -> QueryData | None:
        return None if value is None else QueryData(parts=value)


class AddressData(PageValue):
    query: str = ""
    uploads: list[gr.FileData] = Field(default_factory=list)


class AddressInput(UploadsOnly, HtmlComponent):
    """The address of the page. Fires `input` when it is opened with a query, and on back and forward.

    Its value is the query and the paths of its uploads, in order; only the session that uploaded them knows them.
    """

    data_model = AddressData

    def __init__(self, strings: Strings, **more: Any) -> None:
        self.refusal = strings("notice.url")
        super().__init__("", "address.js", value=None, apply_default_css=True, elem_id="address", **more)

    def preprocess(self, payload: AddressData | None) -> tuple[str, list[Path]]:
        data = payload or AddressData()
        return data.query, [self.uploaded(file) for file in data.uploads[:MOST_PARTS]]

    def postprocess(self, value: Any) -> None:
        """Set by the page only, never by the server."""
        return
