"""ZIP files of a Hub dataset, read in place. Each is opened once: its list of contents alone may be megabytes."""

from __future__ import annotations

import threading
import zipfile
from collections import OrderedDict

_OPEN = 4  # archives at once, each with a buffer of 5 MB


class Archives:
    """The archives that were read last, by their paths, which the caller has checked. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._archives: OrderedDict[str, zipfile.ZipFile] = OrderedDict()

    def names(self, path: str) -> list[str]:
        """The names of the files in an archive. Raises what `zipfile` and the Hub's client raise."""
        return [entry.filename for entry in self._archive(path).infolist() if not entry.is_dir()]

    def read(self, path: str, name: str, size: int) -> bytes:
        """`size` bytes of a file in an archive at most. Raises `KeyError` if there is none, and the same as `names`."""
        archive = self._archive(path)
        try:
            with archive.open(name) as file:
                return file.read(size)
        except OSError:  # the connection: what is open may be of no use
            with self._lock:
                self._archives.pop(path, None)
            raise

    def _archive(self, path: str) -> zipfile.ZipFile:
        import fsspec

        with self._lock:
            if path not in self._archives:
                self._archives[path] = zipfile.ZipFile(fsspec.open(path, "rb").open())
            self._archives.move_to_end(path)
            if len(self._archives) > _OPEN:  # it is closed when the last thread that reads it is done
                self._archives.popitem(last=False)
            return self._archives[path]
