"""Build a collection: source -> encoders -> dataset with FAISS index, and publish it on the Hub if told to.

Run again after an interruption, it goes on. What it needs from the Hub for publishing is checked before any work starts.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from artsim.building.progress_bar import ProgressBar
from artsim.cli.run import run_main

if TYPE_CHECKING:
    from artsim.storage.card_figures import Figures


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="met, folder:PATH, hub:NAMESPACE/NAME[:SPLIT] or nga:PATH")
    parser.add_argument(
        "--encoder",
        action="append",
        help="auto, embedded, a Hub model id, or a folder with a model (default: auto); several if given again",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the collection")
    parser.add_argument("--limit", type=int, help="only the first LIMIT works")
    parser.add_argument("--images", choices=("bytes", "urls"), default="bytes", help="keep pictures, or only addresses")
    parser.add_argument("--index", choices=("auto", "flat", "fp16", "hnsw"), default="auto", help="type of FAISS index")
    parser.add_argument(
        "--regions", action="store_true", help="keep vectors of regions of each work, to find details in (27 kB a work)"
    )
    parser.add_argument("--title", help="title of the collection (default: the source's)")
    parser.add_argument("--license", help="licence of the works, as the Hub spells it, for example cc0-1.0")
    parser.add_argument("--push-to", metavar="NAMESPACE/NAME", help="publish it as this dataset on the Hub")
    parser.add_argument(
        "--private", action="store_true", help="with --push-to: only you and those you let in can see it"
    )
    parser.add_argument("--figures", type=Path, help="with --push-to: what evaluate.py --json wrote, for the card")
    arguments = parser.parse_args()
    if arguments.push_to is None and (arguments.private or arguments.figures):
        parser.error("--private and --figures are about publishing; they need --push-to NAMESPACE/NAME")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    from artsim.building.pipeline import build_collection, report_path
    from artsim.encoders import choose_encoder, load_encoder
    from artsim.sources import open_source

    if arguments.push_to:
        from artsim.hub import check_license, check_publication
        from artsim.storage.card_figures import read_figures

        figures = read_figures(arguments.figures) if arguments.figures else None
        check_publication(arguments.push_to)
    source = open_source(arguments.source)
    if arguments.push_to:
        check_license(arguments.license or source.license)
    choices = [choose_encoder(name) for name in arguments.encoder or ["auto"]]
    for choice in choices:
        print(f"Encoder: {choice.name} ({choice.reason}).")
    encoders = [load_encoder(choice.name) for choice in choices]
    bar = ProgressBar("Embedding")
    try:
        collection = build_collection(
            source,
            encoders,
            arguments.out,
            limit=arguments.limit,
            images=arguments.images,
            index_type=arguments.index,
            regions=arguments.regions,
            title=arguments.title,
            license=arguments.license,
            progress=bar,
        )
    finally:
        bar.close()
    print(f"{len(collection)} works in {arguments.out}.")
    print(f"Report: {report_path(arguments.out)}")
    if arguments.push_to:
        push(arguments, figures)
    return 0


def push(arguments: argparse.Namespace, figures: Figures | None) -> None:
    from artsim.hub import publish

    pushed = publish(arguments.out, arguments.push_to, private=arguments.private, evaluation=figures)
    if pushed.changed:
        print(f"Published: {pushed.url} (commit {pushed.commit[:12]}; {len(pushed.sent)} files sent)")
    else:
        print(f"Nothing changed: {pushed.url} is at commit {pushed.commit[:12]} already.")


if __name__ == "__main__":
    run_main(main)
