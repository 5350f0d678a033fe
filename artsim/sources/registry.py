"""Sources by the word before the colon of their name.

A new source is one file, and one line in `_KINDS`; other packages call `register_source`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from artsim.errors import SourceError
from artsim.sources.folder import open_folder
from artsim.sources.hub import open_hub
from artsim.sources.met import open_met
from artsim.sources.nga.source import open_nga
from artsim.sources.protocol import Source


@dataclass(frozen=True)
class SourceKind:
    """`word:ADDRESS`, or `word` alone where there is no `example` of an address."""

    word: str
    open: Callable[[str], Source]
    """What follows the colon -> the source. `SourceError` when there is nothing of the kind."""
    address: str = ""
    """What the address is called in help texts."""
    example: str = ""


_KINDS: dict[str, SourceKind] = {
    kind.word: kind
    for kind in (
        SourceKind("met", lambda _: open_met()),
        SourceKind("folder", open_folder, "PATH", "my/pictures"),
        SourceKind("hub", open_hub, "NAMESPACE/NAME", "huggan/wikiart"),
        SourceKind("nga", open_nga, "PATH", "nga/prepared"),
    )
}


def register_source(kind: SourceKind) -> None:
    """Make one more kind of source known, or another one of the same word."""
    _KINDS[kind.word] = kind


def open_source(name: str) -> Source:
    """The source called `name`. `SourceError` when there is no such source or nothing in it.

    `met`, `folder:PATH` (or a plain path of a folder), `hub:REPO[:SPLIT]`, `nga:PATH`.
    """
    word, _, address = name.partition(":")
    kind = _KINDS.get(word)
    if kind is not None and bool(address) == bool(kind.example):
        return kind.open(address)
    if kind is not None and kind.example:
        raise SourceError(f"The source {name} lacks what follows the colon, for example {word}:{kind.example}.")
    if name and Path(name).expanduser().is_dir():
        return open_folder(name)
    *first, last = [f"{kind.word}:{kind.address}" if kind.address else kind.word for kind in _KINDS.values()]
    raise SourceError(f"There is no source {name!r}; give {', '.join(first)} or {last}.")
