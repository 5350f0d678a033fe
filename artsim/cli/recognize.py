"""Say which work of a collection a picture shows: framed, on a wall, at an angle, or cut off by the border."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from artsim.search.match import Match

HELP = "say which work of a collection a picture shows"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("collection", metavar="COLLECTION", help="folder or Hub id of a collection")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="picture files")
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object a picture, with corners and all metadata"
    )


def run(arguments: argparse.Namespace) -> int:
    from artsim.errors import ImageError
    from artsim.opening import open_collection

    collection, unreadable = open_collection(arguments.collection), 0
    for name in arguments.images:
        try:
            match = collection.recognize(name)
        except ImageError as error:  # one bad picture among many
            unreadable += 1
            print(json.dumps({"image": name, "error": str(error)}) if arguments.json else f"{name}: {error}")
            continue
        print(
            json.dumps(as_json(name, match), ensure_ascii=False, default=str)
            if arguments.json
            else as_text(name, match)
        )
    return 1 if unreadable else 0


def as_text(name: str, match: Match | None) -> str:
    """One line of the answer."""
    if match is None:
        return f"{name}: not in this collection"
    known = [str(match.work[column]) for column in ("title", "artist") if match.work.get(column)]
    or_version = ", or another version of it" if match.version else ""
    return f"{name}: {', '.join(known) or match.id} ({match.id}){or_version}, {match.places} places agree"


def as_json(name: str, match: Match | None) -> dict[str, Any]:
    """What `--json` prints."""
    from artsim.snapshot.filters import as_plain

    if match is None:
        return {"image": name, "recognized": False}
    found = {"id": match.id, "version": match.version, "places": match.places, "corners": match.corners}
    return {"image": name, "recognized": True, **found, "work": as_plain(match.work)}
