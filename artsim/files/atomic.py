"""Files that are either whole or absent: written beside their place under a hidden name, then renamed into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from artsim.errors import SourceError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write (and read back); it takes the place of `path` when the block ends, and vanishes if the block raises.

    What a killed run left under the hidden name is overwritten by the next, so one run at a time may use a folder.
    Raises `SourceError` when the folder cannot be written to (full, read-only, not a folder).
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # renamed away, or its folder never was
            part.unlink()
