"""Source registry: opens sources by the word before the colon of their name.

A new source is one file, and one line in `_KINDS`; other packages call `register_source`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from artsim.errors import SourceError
from artsim.sources.folder import open_folder
from artsim.sources.hub.source import open_hub
from artsim.sources.iiif.source import open_iiif
from artsim.sources.met import open_met
from artsim.sources.nga.source import open_nga
from artsim.sources.protocol import Source
from artsim.sources.table_values import ColumnType


@dataclass(frozen=True)
class SourceKind:
    """One kind of source: `word:ADDRESS`, or `word` alone if `example` is empty."""

    word: str
    open: Callable[..., Source]
    """Address, the part after the colon, and options -> source. `SourceError` when it cannot be opened."""
    address: str = ""
    """Placeholder of the address in help texts."""
    example: str = ""
    options: tuple[str, ...] = ()
    """The options of `open_source` that `open` takes, as keywords."""


_KINDS: dict[str, SourceKind] = {
    kind.word: kind
    for kind in (
        SourceKind("met", lambda _: open_met()),
        SourceKind("folder", open_folder, "PATH", "my/pictures", options=("columns",)),
        SourceKind(
            "hub", open_hub, "NAMESPACE/NAME", "huggan/wikiart", options=("config", "image_column", "fetch_images")
        ),
        SourceKind("nga", open_nga, "PATH", "nga/prepared"),
        SourceKind("iiif", open_iiif, "URL_OR_FILE", "https://museum.example/collection.json"),
    )
}


def register_source(kind: SourceKind) -> None:
    """Register a kind of source; it replaces one with the same word."""
    _KINDS[kind.word] = kind


def open_source(
    name: str,
    *,
    config: str | None = None,
    image_column: str | None = None,
    fetch_images: bool = False,
    columns: Mapping[str, ColumnType] | None = None,
) -> Source:
    """Open the source `name`. `SourceError` when there is no such source or nothing in it.

    `met`, `folder:PATH` (or a plain path of a folder), `hub:REPO[:SPLIT]`, `nga:PATH`, `iiif:URL_OR_FILE`. Of a Hub dataset,
    `config` and `image_column` choose among several, and `fetch_images` fetches pictures from the addresses in its rows.
    `columns` decides the types of columns of the tables in a folder: "text" or "number".
    """
    options = {"config": config, "image_column": image_column, "fetch_images": fetch_images, "columns": columns}
    given = {option: value for option, value in options.items() if value}
    word, _, address = name.partition(":")
    kind = _KINDS.get(word)
    if kind is not None and bool(address) == bool(kind.example):
        return _reopening(kind.open(address, **_taken(kind, given)), name, options)
    if kind is not None and kind.example:
        raise SourceError(f"The source {name} needs an address after the colon, for example {word}:{kind.example}.")
    if name and Path(name).expanduser().is_dir():
        return _reopening(open_folder(name, **_taken(_KINDS["folder"], given)), name, options)
    *first, last = [f"{kind.word}:{kind.address}" if kind.address else kind.word for kind in _KINDS.values()]
    raise SourceError(f"There is no folder or source {name!r}; give {', '.join(first)} or {last}.")


def _reopening(source: Source, name: str, options: dict[str, Any]) -> Source:
    """The source, which another process can open too, if several can read it."""
    return replace(source, reopen=partial(open_source, name, **options)) if source.seekable else source


def _taken(kind: SourceKind, given: dict[str, Any]) -> dict[str, Any]:
    """The options; `SourceError` if the source takes no such option."""
    for option in given:
        if option not in kind.options:
            name = {"columns": "column"}.get(option, option).replace("_", "-")
            raise SourceError(f"--{name} is for other sources; {kind.word} has no use for it.")
    return given
