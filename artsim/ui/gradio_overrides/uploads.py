"""Uploads as the paths of their files.

Gradio's own picture inputs open what arrives with PIL before any code of ours, and download addresses that a caller
gives. These do neither: what arrives is the path of an upload, and `load_image` is the first to read it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.utils import get_upload_folder

from artsim.errors import QueryError
from artsim.messages.strings import Strings
from artsim.ui.error_text import TranslatedError
from artsim.ui.gradio_overrides.no_stubs import WithoutStub


def uploaded_path(path: str, refusal: str) -> Path:
    """`path` as the file of an upload. `QueryError` with `refusal` for any other place."""
    found = Path(path).resolve()
    if not found.is_relative_to(Path(get_upload_folder()).resolve()):
        raise TranslatedError(refusal)
    return found


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
            raise gr.Error(self.refusal, print_exception=False)

    def uploaded(self, file: FileData) -> Path:
        """The path of an upload. Gradio checks only what is marked as a file: without the mark, any path would pass."""
        try:
            return uploaded_path(file.path, self.refusal)
        except QueryError as error:
            raise gr.Error(self.refusal, print_exception=False) from error


class PictureFile(UploadsOnly, gr.Image, metaclass=WithoutStub):
    """An uploaded picture, as the path of its file: for the HTTP API."""

    def __init__(self, strings: Strings, **more: Any) -> None:
        self.refusal = strings("notice.url")
        super().__init__(type="filepath", **more)

    def get_block_name(self) -> str:
        return "image"

    def preprocess(self, payload: Any) -> str | None:
        return str(self.uploaded(payload)) if payload else None
