"""Damaged files, and files that a stranger wrote: one sentence that names the file, whatever its reader raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from artsim.errors import CollectionError

_DAMAGE = (
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    pa.ArrowException,
)


@contextmanager
def converting_damage(path: Path, what: str, *more: type[Exception]) -> Iterator[None]:
    """What readers and checks raise for a file inside this block, and `more`, becomes a `CollectionError`.

    `what` the file should be, such as "a file of metadata".
    """
    try:
        yield
    except (*_DAMAGE, *more) as error:
        raise CollectionError(
            "{path} is not {what} ({reason}); fetch or build the collection again.",
            path=path,
            what=what,
            reason=" ".join(str(error).split())[:300],
        ) from error
