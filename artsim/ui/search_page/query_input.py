"""What a visitor searches with, the address of the page, and for the HTTP API an upload that is only ever a file.

Gradio's own picture inputs open what arrives with PIL before any code of ours, and download addresses that a caller
gives. These do neither: what arrives is the path of an upload, and `artsim.images.decode.load_image` is the first to read it.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, GradioModel
from pydantic import Field

from artsim.messages.strings import Strings
from artsim.search.engine import Part
from artsim.ui.assets import read_script
from artsim.ui.gradio_overrides.no_stubs import WithoutStub
from artsim.ui.gradio_overrides.uploads import UploadsOnly
from artsim.ui.markup import script_template
from artsim.ui.search_form import LONGEST_TEXT, MOST_PARTS
from artsim.ui.search_page.query_panel import query_markup


class PartData(GradioModel):
    """One part of the query, as the page holds it: exactly one of `picture`, `work` and `text`."""

    picture: FileData | None = None
    work: str | None = None
    text: str | None = None
    weight: float = 1
    region: list[float] | None = None
    upload: str | None = None
    """The path of an upload that the page knows already: in place of `picture` on the way to the page."""
    title: str = ""
    address: str = ""
    """Of the small picture of a work."""
    large: str = ""


class QueryData(GradioModel):
    parts: list[PartData] = Field(default_factory=list)


class QueryInput(UploadsOnly, gr.HTML, metaclass=WithoutStub):
    """The parts of the query: pictures dropped, pasted, chosen or photographed, works of the collection, and words.

    Its value is a tuple of `Part`, uploads as the paths of their files. Fires `input` at every change.
    """

    data_model = QueryData

    def __init__(self, strings: Strings, *, reads_words: bool, **more: Any) -> None:
        self.refusal = strings("notice.url")
        super().__init__(
            value=None,
            html_template=script_template(query_markup(strings, reads_words=reads_words)),
            js_on_load=read_script("query.js"),
            apply_default_css=False,
            elem_id="query",
            **more,
        )

    def get_block_name(self) -> str:
        return "html"

    def preprocess(self, payload: QueryData | None) -> tuple[Part, ...]:
        return tuple(self._part(data) for data in payload.parts[:MOST_PARTS]) if payload else ()

    def _part(self, data: PartData) -> Part:
        """Whatever a page may send; what makes no sense in it, the search refuses with a sentence."""
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

    def api_info(self) -> dict[str, Any]:
        return deepcopy(_schema(QueryData))


@cache
def _schema(model: type[GradioModel]) -> dict[str, Any]:
    """Gradio asks for it at every look at its components, some hundred times before the page is up."""
    return model.model_json_schema()


class AddressData(GradioModel):
    query: str = ""
    uploads: list[FileData] = Field(default_factory=list)


@dataclass(frozen=True)
class Address:
    """A link that was opened, or gone back to."""

    query: str = ""
    uploads: tuple[Path, ...] = ()
    """Of its uploads, in their order: only the visit that made them knows them."""


class AddressInput(UploadsOnly, gr.HTML, metaclass=WithoutStub):
    """The address of the page. Fires `input` when it is opened with a question in it, and at back and forward."""

    data_model = AddressData

    def __init__(self, strings: Strings, **more: Any) -> None:
        self.refusal = strings("notice.url")
        script = read_script("address.js")
        super().__init__(value=None, html_template="", js_on_load=script, elem_id="address", **more)

    def get_block_name(self) -> str:
        return "html"

    def preprocess(self, payload: AddressData | None) -> Address:
        if payload is None:
            return Address()
        return Address(payload.query, tuple(self.uploaded(file) for file in payload.uploads[:MOST_PARTS]))

    def postprocess(self, value: Any) -> None:
        """The page sets it; the server never does."""
        return

    def api_info(self) -> dict[str, Any]:
        return deepcopy(_schema(AddressData))
