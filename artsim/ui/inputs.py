"""The query (a picture or a work), and for the HTTP API an upload that is only ever a file.

Gradio's own picture inputs open what arrives with PIL before any code of ours, and download addresses that a caller
gives. These do neither: what arrives is the path of an upload, and `artsim.images.load_image` is the first to read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, GradioModel

from artsim.ui.assets import read_script
from artsim.ui.components import WithoutStub
from artsim.ui.markup import button, element, script_template
from artsim.ui.strings import Strings


class _UploadsOnly:
    """For components that take files: an address in place of an upload is refused, never fetched."""

    refusal: str

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        self._refuse_address(url_or_file_path)
        return await super().async_move_resource_to_block_cache(url_or_file_path)  # type: ignore[misc]

    def move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        self._refuse_address(url_or_file_path)
        return super().move_resource_to_block_cache(url_or_file_path)  # type: ignore[misc]

    def _refuse_address(self, path: str | Path | None) -> None:
        if path is not None and "://" in str(path):
            raise gr.Error(self.refusal, print_exception=False)


class PictureFile(_UploadsOnly, gr.Image, metaclass=WithoutStub):
    """An uploaded picture, as the path of its file: for the HTTP API."""

    def __init__(self, strings: Strings, **more: Any) -> None:
        self.refusal = strings("notice.url")
        super().__init__(type="filepath", **more)

    def get_block_name(self) -> str:
        return "image"

    def preprocess(self, payload: Any) -> str | None:
        return payload.path if payload else None


@dataclass(frozen=True)
class Chosen:
    """What a visitor searches with: `upload` or `work`, or neither."""

    upload: Path | None = None
    work: str | None = None


class QueryData(GradioModel):
    picture: FileData | None = None
    work: str | None = None


class QueryInput(_UploadsOnly, gr.HTML, metaclass=WithoutStub):
    """Drop, paste, choose or photograph a picture, or take a work of the collection. Fires `input` at every change."""

    data_model = QueryData

    def __init__(self, strings: Strings, **more: Any) -> None:
        self.refusal = strings("notice.url")
        super().__init__(
            value=None,
            html_template=script_template(_query_markup(strings)),
            js_on_load=read_script("query.js"),
            apply_default_css=False,
            elem_id="query",
            **more,
        )

    def get_block_name(self) -> str:
        return "html"

    def preprocess(self, payload: QueryData | None) -> Chosen:
        if payload is None:
            return Chosen()
        return Chosen(Path(payload.picture.path) if payload.picture else None, payload.work)

    def postprocess(self, value: Any) -> None:
        """The page sets it; the server never does."""
        return

    def api_info(self) -> dict[str, Any]:
        return QueryData.model_json_schema()


def _query_markup(strings: Strings) -> str:
    choose = button(strings("query.choose"), class_="plain", data_action="choose")
    camera = button(strings("query.camera"), class_="plain", data_action="camera", hidden=True)
    empty = element(
        "div",
        element("p", strings("query.drop"), class_="drop-title with-mouse"),
        element("p", strings("query.drop.touch"), class_="drop-title with-touch"),
        element("p", strings("query.paste"), class_="drop-hint with-mouse"),
        element("div", choose, camera, class_="drop-buttons"),
        class_="drop",
    )
    filled = element(
        "figure",
        element("img", alt=""),
        element(
            "figcaption",
            element("span", strings("query.yours"), class_="query-kind", data_yours=strings("query.yours"),
                    data_work=strings("query.work")),
            element("span", "", class_="query-name"),
            button(strings("query.clear"), class_="link", data_action="clear"),
        ),
        class_="chosen", hidden=True,
    )  # fmt: skip
    camera_dialog = element(
        "dialog",
        element("h2", strings("camera.title")),
        element("video", autoplay=True, playsinline=True, muted=True),
        element("div",
            button(strings("camera.snap"), class_="primary", data_action="snap"),
            button(strings("camera.cancel"), class_="plain", data_action="cancel-camera"),
            class_="dialog-buttons"),
        class_="camera", aria_label=strings("camera.title"),
    )  # fmt: skip
    note = element("p", "", class_="query-note", role="status")
    file = element("input", type="file", accept="image/*,.tif,.tiff,.avif", class_="unseen", tabindex="-1",
                   aria_label=strings("query.choose"))  # fmt: skip
    return element(
        "section", file, filled, empty, note, camera_dialog, class_="query", aria_label=strings("query.label")
    )
