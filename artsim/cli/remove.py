"""Remove works from a collection, with all that its folder holds of them: pictures, vectors, metadata.

Every file is written anew, which needs as much free space as the collection takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "remove works, and leave nothing of them in the folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder of the collection")
    parser.add_argument("ids", metavar="ID", nargs="+", help="ids of works")


def run(arguments: argparse.Namespace) -> int:
    from artsim.collection import Collection

    collection = Collection.from_folder(arguments.folder.expanduser())
    ids = list(dict.fromkeys(arguments.ids))
    collection.remove(ids)
    collection.save(compact=True)
    print(
        f"Removed {len(ids)} of {len(ids) + len(collection):,} works; nothing of them is left in {arguments.folder}. A later "
        "build can bring them back if its source has them, and copies, caches and the Hub keep them: see docs/scaling.md."
    )
    return 0
