"""Atomic file writes: into a hidden file beside the target, which is then renamed into place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from artsim.errors import SourceError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write (and read back); it replaces `path` when the block ends, and is removed if the block raises.

    The hidden name is fixed: the next run overwrites what a killed run left, and only one run at a time may use a folder.
    Raises `SourceError` when the folder cannot be written to (full, read-only, not a folder).
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # already renamed, or its folder was never created
            temporary.unlink()
