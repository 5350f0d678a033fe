"""The options that say where works come from, shared by the commands that read a source."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from artsim.sources import Source
    from artsim.sources.table_values import ColumnType


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """`--source`, and what is chosen in it."""
    parser.add_argument(
        "--source",
        required=True,
        help="met, folder:PATH, hub:NAMESPACE/NAME[:SPLIT], nga:PATH or iiif:URL_OR_FILE",
    )
    add_choice_arguments(parser)


def add_choice_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `open_source`."""
    add = parser.add_argument
    add("--config", metavar="NAME", help="configuration of a Hub dataset that has several")
    add("--image-column", metavar="NAME", help="column of a Hub dataset that holds the pictures, if several do")
    add(
        "--fetch-images",
        action="store_true",
        help="fetch the pictures of a Hub dataset that are only addresses, from the servers that its rows name",
    )
    add(
        "--column",
        action="append",
        metavar="NAME:TYPE",
        help="what a column of a folder's tables holds: text or number, such as year:number; again for others",
    )


def choices_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `open_source`. Raises `ArgumentError` for a column that is anything but NAME:text or NAME:number."""
    return {
        "config": arguments.config,
        "image_column": arguments.image_column,
        "fetch_images": arguments.fetch_images,
        "columns": column_types(arguments.column),
    }


def open_given_source(arguments: argparse.Namespace) -> Source:
    """The source that `add_source_arguments` names. `SourceError` when it cannot be opened."""
    from artsim.sources import open_source

    return open_source(arguments.source, **choices_of(arguments))


def column_types(given: Sequence[str] | None) -> dict[str, ColumnType]:
    """The type of each column. Raises `ArgumentError` for anything but NAME:text and NAME:number."""
    from artsim.sources.table_values import COLUMN_TYPES

    types: dict[str, ColumnType] = {}
    for item in given or ():
        name, _, kind = item.rpartition(":")
        known = next((known for known in COLUMN_TYPES if known == kind), None)
        if not name or known is None:
            raise argparse.ArgumentError(None, f"--column {item}: write NAME:text or NAME:number, such as year:number")
        types[name] = known
    return types
