"""Measure how well a collection finds its works again: by other reproductions, by details, and as duplicates.

Queries are made from the collection's own pictures, always the same for one seed; artsim/evaluation/distortions.py says how.
Details need a collection built with --regions. The collection is not changed on disk.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from artsim.building.progress_bar import ProgressBar
from artsim.cli.run import run_main
from artsim.errors import ArtsimError

if TYPE_CHECKING:
    from artsim.evaluation.copies import DuplicatesFound, FoundAgain

WHAT = ("same-work", "details", "duplicates")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collection", required=True, help="folder or Hub id of a collection that holds its pictures")
    parser.add_argument("--what", default="same-work,details", help=f"any of {','.join(WHAT)} (default: the first two)")
    parser.add_argument("--queries", type=int, metavar="N", help="a sample of N works is looked for (default: all)")
    parser.add_argument("--distortions", help="names, comma-separated (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of samples and distortions (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures as JSON")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    from artsim.evaluation import copies
    from artsim.evaluation.distortions import SAME_WORK
    from artsim.opening import open_collection

    what = _chosen(arguments.what, WHAT, "measurement")
    by_name = {alter.__name__: alter for alter in SAME_WORK}
    names = _chosen(arguments.distortions, tuple(by_name), "distortion") if arguments.distortions else list(by_name)
    distortions = [by_name[name] for name in names]
    collection = open_collection(arguments.collection)
    ids = copies.draw_works(collection, arguments.queries, seed=arguments.seed)
    figures: dict[str, Any] = {
        "collection": collection.manifest.title,
        "encoder": collection.state.spaces[0].encoder,
        "revision": collection.state.spaces[0].revision,
        "works": len(collection),
        "queries": len(ids),
        "seed": arguments.seed,
    }
    if "same-work" in what:
        bar = ProgressBar("Reproductions")
        found = copies.find_reproductions(collection, ids, distortions, seed=arguments.seed, progress=bar)
        bar.close()
        print_found("The same work in another reproduction", copies.with_all_together(found))
        figures["same_work"] = [summary(one) for one in copies.with_all_together(found)]
    if "details" in what:
        bar = ProgressBar("Details")
        found = copies.find_details(collection, ids, seed=arguments.seed, progress=bar)
        bar.close()
        print_found("The work that a detail is of", found)
        figures["details"] = [summary(one) for one in found]
    if "duplicates" in what:
        bar = ProgressBar("Copies")
        listed = copies.find_duplicates_again(collection, ids, distortions, seed=arguments.seed, progress=bar)
        bar.close()
        print_duplicates(listed)
        figures["duplicates"] = duplicates_summary(listed)
    if arguments.json is not None:
        from artsim.storage.shards import write_atomically

        write_atomically(arguments.json, json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        print(f"Figures: {arguments.json}")
    return 0


def _chosen(text: str, among: Sequence[str], what: str) -> list[str]:
    """The names in `text`; `ArtsimError` for one that is not `among` those there are."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in among]
    if unknown or not names:
        raise ArtsimError(f"There is no {what} {', '.join(unknown) or repr(text)}; choose among {', '.join(among)}.")
    return names


def print_found(title: str, found: Sequence[FoundAgain]) -> None:
    from artsim.evaluation.tables import Table

    rows = []
    for one in found:
        means, (low, high) = one.means(), one.intervals()["recall@1"]
        where = "" if math.isnan(one.overlap) else f"{one.overlap:.2f}"
        figures = (
            f"{means['recall@1']:.3f}",
            f"{low:.3f}..{high:.3f}",
            f"{means['recall@5']:.3f}",
            f"{means['mrr']:.3f}",
        )
        rows.append((f"{one.distortion}, {one.way}", *figures, where))
    header = ("", "R@1", "95 %", "R@5", "MRR", "overlap")
    print(Table(f"{title}: {len(found[0].ranks)} queries each", header, tuple(rows)).to_markdown())


def summary(one: FoundAgain) -> dict[str, Any]:
    """As JSON holds it."""
    return {
        "distortion": one.distortion,
        "way": one.way,
        "queries": len(one.ranks),
        **one.means(),
        "intervals": {name: _bounds(bounds) for name, bounds in one.intervals().items()},
        "overlap": None if math.isnan(one.overlap) else one.overlap,
    }


def print_duplicates(listed: DuplicatesFound) -> None:
    from artsim.evaluation.tables import Table

    rows = tuple((name, f"{found.mean():.3f}", str(len(found))) for name, found in listed.found.items())
    note = (
        f"{listed.right_pairs} of {listed.pairs} pairs of works in one group are of one original: precision "
        f"{listed.precision:.4f}. Groups before any copy was added: {len(listed.already)}."
    )
    print(Table("Altered copies among the duplicates", ("", "recall", "copies"), rows, note).to_markdown())


def duplicates_summary(listed: DuplicatesFound) -> dict[str, Any]:
    """As JSON holds it."""
    return {
        "recall": listed.recall,
        "recall_by_distortion": {name: float(found.mean()) for name, found in listed.found.items()},
        "intervals": {name: _bounds(bounds) for name, bounds in listed.intervals().items()},
        "precision": None if math.isnan(listed.precision) else listed.precision,
        "pairs": listed.pairs,
        "right_pairs": listed.right_pairs,
        "groups_before": [list(group) for group in listed.already],
    }


def _bounds(bounds: tuple[float, float]) -> list[float | None]:
    return [None if math.isnan(bound) else bound for bound in bounds]


if __name__ == "__main__":
    run_main(main)
