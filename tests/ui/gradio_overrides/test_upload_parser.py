"""Parser of uploads. That it works: tests/ui/http/test_request_bodies.py, in the app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from gradio import route_utils
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from tiny_apps import still_needed

from artsim.ui.gradio_overrides.upload_parser import _BoundedParser

FIELD = b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nwords\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\nbytes\r\n'


def parse(folder: Path, *chunks: bytes, disconnects: bool = False) -> Any:
    """The form as plain Gradio parses it, its files in `folder`."""
    plain = route_utils.GradioMultiPartParser
    parser: Any = _BoundedParser.__base__ if plain is _BoundedParser else plain
    headers = Headers({"content-type": "multipart/form-data; boundary=b"})

    async def stream() -> AsyncGenerator[bytes, None]:
        for chunk in chunks:
            yield chunk
        if disconnects:
            raise ClientDisconnect

    return asyncio.run(parser(headers, stream(), upload_dir=str(folder), max_file_size=10**6).parse())


def test_gradio_still_takes_form_fields(tmp_path: Path) -> None:
    still_needed("note" in parse(tmp_path, FIELD, FILE, b"--b--\r\n"), "upload_parser, for fields")


def test_gradio_still_leaves_partial_files(tmp_path: Path) -> None:
    with pytest.raises(ClientDisconnect):
        parse(tmp_path, FILE, FILE[:-4], disconnects=True)
    still_needed(any(path.is_file() for path in tmp_path.rglob("*")), "upload_parser, for partial files")
