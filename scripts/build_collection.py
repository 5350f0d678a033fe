"""Build a collection: source -> encoder -> dataset with FAISS index. Run again after an interruption, it goes on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from artsim.edge import ProgressBar, run_main


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="met, folder:PATH, hub:NAMESPACE/NAME[:SPLIT] or nga:PATH")
    parser.add_argument(
        "--encoder", default="auto", help="auto, embedded, a Hub model id, or a folder with a model (default: auto)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the collection")
    parser.add_argument("--limit", type=int, help="only the first LIMIT works")
    parser.add_argument("--images", choices=("bytes", "urls"), default="bytes", help="keep pictures, or only addresses")
    parser.add_argument("--index", choices=("auto", "flat", "fp16", "hnsw"), default="auto", help="type of FAISS index")
    parser.add_argument("--title", help="title of the collection (default: the source's)")
    parser.add_argument("--license", help="licence of the works, as the Hub spells it, for example cc0-1.0")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    from artsim.build import build_collection, report_path
    from artsim.encoders import choose_encoder, load_encoder
    from artsim.sources import open_source

    source = open_source(arguments.source)
    choice = choose_encoder(arguments.encoder)
    print(f"Encoder: {choice.name} ({choice.reason}).")
    encoder = load_encoder(choice.name)
    bar = ProgressBar("Embedding")
    try:
        collection = build_collection(
            source,
            encoder,
            arguments.out,
            limit=arguments.limit,
            images=arguments.images,
            index_type=arguments.index,
            title=arguments.title,
            license=arguments.license,
            progress=bar,
        )
    finally:
        bar.close()
    print(f"{len(collection)} works in {arguments.out}.")
    print(f"Report: {report_path(arguments.out)}")
    return 0


if __name__ == "__main__":
    run_main(main)
