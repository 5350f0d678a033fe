"""Responses of web servers on disk, so that a run that is started again does not ask for them again."""

from __future__ import annotations

import hashlib
import io
import time
from pathlib import Path

from artsim.files.atomic import make_folders, write_atomically
from artsim.web.http import WebClient

FRESH_S = 7 * 86_400  # older responses are fetched again, and removed when the cache is opened


class FetchCache:
    """What `client` fetched, in the files of `folder`."""

    def __init__(self, client: WebClient, folder: Path) -> None:
        self._client, self._folder = client, folder
        for path in folder.glob("*/*") if folder.is_dir() else ():
            if not _is_fresh(path):
                path.unlink(missing_ok=True)

    def read(self, url: str, *, max_bytes: int, max_seconds: float) -> bytes:
        """The content of `url`. Raises what `WebClient.download` raises."""
        digest = hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest()
        path = self._folder / digest[:2] / digest[2:]
        if _is_fresh(path):
            return path.read_bytes()
        buffer = io.BytesIO()
        self._client.download(url, buffer, max_bytes=max_bytes, max_seconds=max_seconds)
        make_folders(path.parent)
        write_atomically(path, buffer.getvalue())
        return buffer.getvalue()


def _is_fresh(path: Path) -> bool:
    try:
        return 0 <= time.time() - path.stat().st_mtime < FRESH_S
    except FileNotFoundError:
        return False
