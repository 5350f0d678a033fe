"""Measure how well a collection finds its works again: by other reproductions, by details, and in photographs.

Queries are made from the collection's own pictures, always the same for one seed; artsim/evaluation/distortions.py says how.
Details need a collection built with --regions. `photographs` and `recognition` photograph every work in a museum: `photographs`
searches with every preset; `recognition` takes half of the works out of the collection, which must not be recognised.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

import _clone  # noqa: F401

from artsim.building.progress_bar import ProgressBar
from artsim.cli.run import run_main
from artsim.errors import QueryError


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collection", required=True, help="folder or Hub id of a collection that holds its pictures")
    parser.add_argument(
        "--what",
        default="same-work,details",
        help="some of same-work, details, photographs and recognition (default: the first two)",
    )
    parser.add_argument("--artists", choices=("fitted", "judged"), help="only works by one half of the artists")
    parser.add_argument("--queries", type=int, metavar="N", help="a sample of N works is looked for (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of samples and distortions (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures as JSON")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    import numpy as np

    from artsim.evaluation.copies import MEASUREMENTS, find_reproductions, found_table
    from artsim.evaluation.figures_file import write_figures
    from artsim.evaluation.labels import draw_queries
    from artsim.evaluation.recognition import half_of_artists, measure_recognition, recognition_table
    from artsim.opening import open_collection

    names = [name.strip() for name in arguments.what.split(",")]
    known = (*MEASUREMENTS, "recognition")
    if unknown := [name for name in names if name not in known]:
        raise QueryError(f"There is no measurement {', '.join(unknown)}; choose among {', '.join(known)}.")
    collection = open_collection(arguments.collection)
    asked = collection.ids
    if arguments.artists is not None:
        asked = half_of_artists(collection, fitted=arguments.artists == "fitted")
    ids = [asked[row] for row in draw_queries(np.arange(len(asked)), arguments.queries, seed=arguments.seed)]
    figures: dict[str, Any] = {
        "collection": collection.manifest.title,
        "encoder": collection.state.spaces[0].encoder,
        "revision": collection.state.spaces[0].revision,
        "works": len(collection),
        "queries": len(ids),
        "seed": arguments.seed,
    }
    for name in [name for name in MEASUREMENTS if name in names]:
        with closing(ProgressBar(name)) as bar:
            found = find_reproductions(collection, ids, *MEASUREMENTS[name], seed=arguments.seed, progress=bar)
        print(found_table(name, found).to_markdown())
        figures[name.replace("-", "_")] = [one.as_json() for one in found]
    if "recognition" in names:
        with closing(ProgressBar("recognition")) as bar:
            recognised = measure_recognition(collection, ids, seed=arguments.seed, progress=bar)
        print(recognition_table(recognised).to_markdown())
        for one in recognised:
            for shown, answered in (*one.wrong, *one.false):
                print(f"{one.kind}: {shown} was taken for {answered}")
        figures["recognition"] = [one.as_json() for one in recognised]
    if arguments.json is not None:
        write_figures(arguments.json, figures)
        print(f"Figures: {arguments.json}")
    return 0


if __name__ == "__main__":
    run_main(main)
