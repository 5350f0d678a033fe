"""Publish a saved collection as a dataset on the Hub: the same files, and a card that says how to load it from there.

Run again, it sends only what changed, and nothing when nothing did.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from artsim.storage.card_figures import Figures

HELP = "publish a collection as a dataset on the Hugging Face Hub"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder of the collection")
    parser.add_argument("dataset", metavar="NAMESPACE/NAME", help="the dataset on the Hub")
    parser.add_argument("--private", action="store_true", help="only you and those you let in can see it")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="what evaluate --json wrote, for the card")


def run(arguments: argparse.Namespace) -> int:
    figures = read_figures_file(arguments.figures)
    publish_folder(arguments.folder, arguments.dataset, private=arguments.private, figures=figures)
    return 0


def read_figures_file(path: Path | None) -> Figures | None:
    """The figures for the card, if a file is given. `CollectionError` when it holds none."""
    from artsim.storage.card_figures import read_figures

    return None if path is None else read_figures(path)


def publish_folder(folder: Path, dataset: str, *, private: bool, figures: Figures | None) -> None:
    """Publish the collection in `folder` and print where it is. Raises `HubError` or `CollectionError`."""
    from artsim.hub import publish

    pushed = publish(folder, dataset, private=private, evaluation=figures)
    if pushed.changed:
        print(f"Published: {pushed.url} (commit {pushed.commit[:12]}; {len(pushed.sent)} files sent)")
    else:
        print(f"Nothing changed: {pushed.url} is at commit {pushed.commit[:12]} already.")
