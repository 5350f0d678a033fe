"""The options that say where works come from, shared by the commands that read a source."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from artsim.sources import Source


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--source", required=True, help="met, folder:PATH, hub:NAMESPACE/NAME[:SPLIT], nga:PATH or iiif:URL_OR_FILE")
    add("--config", metavar="NAME", help="configuration of a Hub dataset that has several")
    add("--image-column", metavar="NAME", help="column of a Hub dataset that holds the pictures, if several do")
    add(
        "--fetch-images",
        action="store_true",
        help="fetch the pictures of a Hub dataset that are only addresses, from the servers that its rows name",
    )


def open_given_source(arguments: argparse.Namespace) -> Source:
    """Open the source, and print what was found and how it is used. `SourceError` when it cannot be opened."""
    from artsim.sources import open_source

    source = open_source(
        arguments.source,
        config=arguments.config,
        image_column=arguments.image_column,
        fetch_images=arguments.fetch_images,
    )
    if source.notes:
        print(f"{source.name}:")
    for note in source.notes:  # it may hold names of columns and files, which strangers chose
        print("  " + "".join(letter if letter.isprintable() else "?" for letter in note))
    return source
