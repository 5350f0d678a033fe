"""Uploads as the paths of their files, read first by `artsim.images.decode.load_image`.

Gradio: tried with 6.31.0.
Reason: Gradio's picture inputs open what arrives with PIL before any code of ours, so that PIL's formats, limits and errors
    apply, download addresses that a caller gives, and take any path of this machine that is not marked as a file. No issue
    known.
Remove when: a component of Gradio hands out an upload as its path, unopened, and refuses every path outside the uploads.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from artsim.errors import QueryError
from artsim.messages.message import Translated
from artsim.messages.strings import Strings
from artsim.ui.gradio_overrides.no_stubs import WithoutStub
from artsim.ui.gradio_overrides.refusal import Refusal
from artsim.ui.kept_uploads import kept_uploads

FILE_MARK = MappingProxyType({"_type": "gradio.FileData"})
"""The `meta` of a JSON object that Gradio takes for a file."""


def upload_folder() -> str:
    """The folder that Gradio writes uploads to."""
    return str(get_upload_folder())


def uploaded_path(path: str, refusal: str) -> Path:
    """`path` as the file of an upload. `QueryError` with `refusal` for any other place."""
    found = Path(path).resolve()
    if not found.is_relative_to(Path(upload_folder()).resolve()):
        raise QueryError(Translated(refusal))
    return found


def save_upload(data: bytes) -> str:
    """Write `data` into the folder of the uploads. Returns its path."""
    path = str(save_bytes_to_cache(data, "picture.bin", upload_folder()))
    kept_uploads.note(Path(path).parent, len(data))
    return path


def file_json(path: str) -> dict[str, Any]:
    """An upload as Gradio's inputs take it."""
    return {"path": path, "meta": dict(FILE_MARK)}


class UploadsOnly:
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
            raise Refusal(self.refusal)

    def uploaded(self, file: gr.FileData) -> Path:
        """The path of an upload. `Refusal` for a path anywhere else: Gradio checks only what is marked as a file."""
        try:
            return uploaded_path(file.path, self.refusal)
        except QueryError as error:
            raise Refusal(self.refusal) from error


class PictureFile(UploadsOnly, gr.Image, metaclass=WithoutStub):
    """An uploaded picture, as the path of its file: for the HTTP API."""

    def __init__(self, strings: Strings, **more: Any) -> None:
        self.refusal = strings("notice.url")
        super().__init__(type="filepath", **more)

    def get_block_name(self) -> str:
        """The component that the page draws: by default Gradio looks for one with the name of this class."""
        return "image"

    def preprocess(self, payload: Any) -> str | None:
        return str(self.uploaded(payload)) if payload else None
