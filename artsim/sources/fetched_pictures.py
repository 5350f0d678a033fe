"""Pictures that are fetched from web servers, one by one, when they are read."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

from artsim.errors import ImageError, SourceError
from artsim.images.formats import MAX_BYTES
from artsim.web.fetch_cache import FetchCache
from artsim.web.http import FetchError, WebClient

MAX_SECONDS = 120.0  # for one picture, each time it is tried
GIVE_UP_AFTER = 20  # pictures in a row for which servers or the connection failed


class FetchedPictures:
    """Fetches pictures with `client`, from a `cache` where there is one.

    `is_online` tells, when many pictures in a row fail, whether that is due to their servers, and not to the connection.
    """

    def __init__(
        self, client: WebClient, *, cache: FetchCache | None = None, is_online: Callable[[], bool] = lambda: False
    ) -> None:
        self._client, self._cache, self._is_online = client, cache, is_online
        self._lock = threading.Lock()
        self._failed_in_a_row = 0

    def read(self, url: str, *, name: str) -> bytes:
        """The picture of the work `name`. `ImageError` if it cannot be had.

        `SourceError` after `GIVE_UP_AFTER` in a row that could not, unless `is_online`.
        """
        try:
            data = self._fetch(url)
        except FetchError as error:
            self._count(error, url)
            raise ImageError(
                "{work}: {url} was not fetched: {reason}.", work=name, url=url[:200], reason=str(error)
            ) from error
        with self._lock:
            self._failed_in_a_row = 0
        return data

    def _fetch(self, url: str) -> bytes:
        if self._cache:
            return self._cache.read(url, max_bytes=MAX_BYTES, max_seconds=MAX_SECONDS)
        buffer = io.BytesIO()
        self._client.download(url, buffer, max_bytes=MAX_BYTES, max_seconds=MAX_SECONDS)
        return buffer.getvalue()

    def _count(self, error: FetchError, url: str) -> None:
        with self._lock:
            self._failed_in_a_row = self._failed_in_a_row + 1 if error.temporary else 0
            failed = self._failed_in_a_row
        if failed % GIVE_UP_AFTER == 0 and error.temporary and not self._is_online():
            raise SourceError(
                f"{failed} pictures in a row could not be fetched; of the last, {url[:200]}: {error}. Check the connection, "
                "then run it again: finished parts are kept."
            ) from error
