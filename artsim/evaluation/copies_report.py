"""The measurements of `copies` by their names, each as a table for the terminal and as figures for a JSON file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation.copies import (
    DuplicatesFound,
    FoundAgain,
    Progress,
    find_details,
    find_duplicates_again,
    find_reproductions,
    with_all_together,
)
from artsim.evaluation.distortions import SAME_WORK, Alter
from artsim.evaluation.tables import Table

MEASUREMENTS = ("same-work", "details", "duplicates")


@dataclass(frozen=True)
class Measured:
    """One measurement: its table, and its figures under their key in the JSON file."""

    table: Table
    key: str
    figures: Any


def measure_copies(
    measurement: str,
    collection: Collection,
    ids: Sequence[str],
    distortions: Sequence[Alter],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Measured:
    """One of `MEASUREMENTS`. "duplicates" changes `collection` in memory: measure it last."""
    if measurement == "same-work":
        found = with_all_together(find_reproductions(collection, ids, distortions, seed=seed, progress=progress))
        table = found_table("The same work in another reproduction", found)
        return Measured(table, "same_work", [found_summary(one) for one in found])
    if measurement == "details":
        found = find_details(collection, ids, seed=seed, progress=progress)
        table = found_table("The work that a detail is of", found)
        return Measured(table, "details", [found_summary(one) for one in found])
    listed = find_duplicates_again(collection, ids, distortions, seed=seed, progress=progress)
    return Measured(duplicates_table(listed), "duplicates", duplicates_summary(listed))


def parse_measurements(text: str) -> list[str]:
    """Comma-separated names of `MEASUREMENTS`, in the order of those. `QueryError` for any other."""
    names = _parse_names(text, MEASUREMENTS, "measurement")
    return [name for name in MEASUREMENTS if name in names]


def parse_distortions(text: str | None) -> list[Alter]:
    """Comma-separated names of distortions; all without a text. `QueryError` for any other."""
    by_name = {alter.__name__: alter for alter in SAME_WORK}
    names = _parse_names(text, tuple(by_name), "distortion") if text else list(by_name)
    return [by_name[name] for name in names]


def _parse_names(text: str, among: Sequence[str], what: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in among]
    if unknown or not names:
        raise QueryError(f"There is no {what} {', '.join(unknown) or repr(text)}; choose among {', '.join(among)}.")
    return names


def found_table(title: str, found: Sequence[FoundAgain]) -> Table:
    """A row for each distortion and way of searching."""
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
    return Table(f"{title}: {len(found[0].ranks)} queries each", header, tuple(rows))


def found_summary(one: FoundAgain) -> dict[str, Any]:
    """As JSON holds it."""
    return {
        "distortion": one.distortion,
        "way": one.way,
        "queries": len(one.ranks),
        **one.means(),
        "intervals": {name: _bounds(bounds) for name, bounds in one.intervals().items()},
        "overlap": None if math.isnan(one.overlap) else one.overlap,
    }


def duplicates_table(listed: DuplicatesFound) -> Table:
    """A row for each distortion."""
    rows = tuple((name, f"{found.mean():.3f}", str(len(found))) for name, found in listed.found.items())
    note = (
        f"{listed.right_pairs} of {listed.pairs} pairs of works in one group are of one original: precision "
        f"{listed.precision:.4f}. Groups before any copy was added: {len(listed.already)}."
    )
    return Table("Altered copies among the duplicates", ("", "recall", "copies"), rows, note)


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
