"""Parser of uploads that writes files to disk, takes no form fields, leaves no partial files, and notes what it keeps.

Gradio: tried with 6.31.0.
Reason: Gradio's parser holds form fields in memory with quadratic copying (six fields of 30 MB cost 420 MB and 11 s), opens
    up to 1000 temporary files per request, leaves partial files on disk when the client disconnects, and keeps every upload for
    its time, however many there are.
Remove when: `GradioMultiPartParser` bounds fields and files, and deletes its files when the client disconnects; and Gradio has a
    limit for all uploads, and one for those of each visitor.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from gradio import route_utils
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect

from artsim.ui.kept_uploads import kept_uploads

MAX_FILES = 12


class _BoundedParser(route_utils.GradioMultiPartParser):
    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None], **options: Any) -> None:
        super().__init__(headers, _until_disconnect(stream), **{**options, "max_fields": 0, "max_files": MAX_FILES})

    async def parse(self) -> Any:
        form = await super().parse()
        for file in form.getlist("files"):  # Gradio moves each into a folder with the name of its hash
            kept_uploads.note(Path(str(self.upload_dir)) / file.sha.hexdigest(), Path(file.file.name).stat().st_size)
        return form


async def _until_disconnect(stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Turn a disconnect into the error of a broken form, after which Gradio deletes what it has written."""
    try:
        async for chunk in stream:
            yield chunk
    except ClientDisconnect as error:
        raise MultiPartException("The upload broke off.") from error


def bound_uploads() -> None:
    """Make Gradio parse uploads with the parser above. Call before `blocks.launch`."""
    route_utils.GradioMultiPartParser = _BoundedParser
