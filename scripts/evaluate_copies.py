"""Measure how well a collection finds its works again: by other reproductions, by details, and as duplicates.

Queries are made from the collection's own pictures, always the same for one seed; artsim/evaluation/distortions.py says how.
Details need a collection built with --regions. The collection is not changed on disk.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

import _clone  # noqa: F401

from artsim.building.progress_bar import ProgressBar
from artsim.cli.run import run_main


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collection", required=True, help="folder or Hub id of a collection that holds its pictures")
    parser.add_argument(
        "--what", default="same-work,details", help="any of same-work,details,duplicates (default: the first two)"
    )
    parser.add_argument("--queries", type=int, metavar="N", help="a sample of N works is looked for (default: all)")
    parser.add_argument("--distortions", help="names, comma-separated (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of samples and distortions (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures as JSON")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    from artsim.evaluation.copies import draw_works
    from artsim.evaluation.copies_report import measure_copies, parse_distortions, parse_measurements
    from artsim.evaluation.figures_file import write_figures
    from artsim.opening import open_collection

    measurements, distortions = parse_measurements(arguments.what), parse_distortions(arguments.distortions)
    collection = open_collection(arguments.collection)
    ids = draw_works(collection, arguments.queries, seed=arguments.seed)
    figures: dict[str, Any] = {
        "collection": collection.manifest.title,
        "encoder": collection.state.spaces[0].encoder,
        "revision": collection.state.spaces[0].revision,
        "works": len(collection),
        "queries": len(ids),
        "seed": arguments.seed,
    }
    for measurement in measurements:
        with closing(ProgressBar(measurement)) as bar:
            found = measure_copies(measurement, collection, ids, distortions, seed=arguments.seed, progress=bar)
        print(found.table.to_markdown())
        figures[found.key] = found.figures
    if arguments.json is not None:
        write_figures(arguments.json, figures)
        print(f"Figures: {arguments.json}")
    return 0


if __name__ == "__main__":
    run_main(main)
