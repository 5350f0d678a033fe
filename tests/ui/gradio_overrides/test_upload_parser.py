"""Parser of uploads: no form fields, few files, no partial files. tests/ui/http/test_request_bodies.py has it in the app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from gradio import route_utils
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect
from tiny_apps import still_needed

from artsim.ui.gradio_overrides.upload_parser import MAX_FILES, _BoundedParser

PLAIN = (
    route_utils.GradioMultiPartParser
    if route_utils.GradioMultiPartParser is not _BoundedParser
    else _BoundedParser.__base__
)
HEADERS = Headers({"content-type": "multipart/form-data; boundary=b"})
FIELD = b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nwords\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\nbytes\r\n'
END = b"--b--\r\n"


def parse(parser: Any, folder: Path, *chunks: bytes, disconnects: bool = False) -> Any:
    """The parsed form, its files in `folder`."""

    async def stream() -> AsyncGenerator[bytes, None]:
        for chunk in chunks:
            yield chunk
        if disconnects:
            raise ClientDisconnect

    upload_files = parser(HEADERS, stream(), upload_dir=str(folder), max_file_size=10**6)
    return asyncio.run(upload_files.parse())


def test_files_are_taken(tmp_path: Path) -> None:
    form = parse(_BoundedParser, tmp_path, FILE, FILE, END)
    assert [item.filename for _, item in form.multi_items()] == ["a.jpg", "a.jpg"]


def test_form_fields_and_too_many_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MultiPartException, match="Too many fields"):
        parse(_BoundedParser, tmp_path, FIELD, FILE, END)
    with pytest.raises(MultiPartException, match="Too many files"):
        parse(_BoundedParser, tmp_path, *[FILE] * (MAX_FILES + 1), END)


def test_gradio_still_takes_form_fields(tmp_path: Path) -> None:
    form = parse(PLAIN, tmp_path, FIELD, FILE, END)
    still_needed("note" in form, "upload_parser")


def test_an_upload_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(MultiPartException, match="broke off"):
        parse(_BoundedParser, tmp_path, FILE, FILE[:-4], disconnects=True)
    assert list(tmp_path.rglob("*.*")) == []


def test_gradio_still_leaves_partial_files(tmp_path: Path) -> None:
    with pytest.raises(ClientDisconnect):
        parse(PLAIN, tmp_path, FILE, FILE[:-4], disconnects=True)
    still_needed(any(path.is_file() for path in tmp_path.rglob("*")), "upload_parser")
