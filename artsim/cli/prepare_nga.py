"""Make a labelled picture folder of the National Gallery of Art's open data: a Hugging Face `imagefolder`.

Stopped at any moment, the same command goes on where it was. Build a collection of the folder with --source nga:DIR.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from artsim.building.progress_bar import ProgressBar

if TYPE_CHECKING:
    from artsim.sources.nga.preparation import Report

HELP = "make a picture folder of the National Gallery of Art's open data"
_FAILURES_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="folder of the museum's CSV files")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write; the same one again goes on")
    add("--classification", default="painting", metavar="WORD", help="word in the works' classification (painting)")
    add("--limit", type=_whole_number(1, 1_000_000), metavar="N", help="only the first N works, by object number")
    add("--size", type=_whole_number(64, 4096), default=640, metavar="PX", help="longer side of a picture (640)")
    add("--workers", type=_whole_number(1, 16), default=4, metavar="N", help="requests at once, at most 16 (4)")
    add("--download", action="store_true", help="first fetch the CSV files that --data lacks")


def run(arguments: argparse.Namespace) -> int:
    from artsim.sources.nga.preparation import prepare

    with closing(ProgressBar("Pictures")) as bar:
        report = prepare(
            arguments.data,
            arguments.out,
            classification=arguments.classification,
            limit=arguments.limit,
            size=arguments.size,
            workers=arguments.workers,
            download=arguments.download,
            progress=bar,
        )
    _print_summary(report, arguments.out)
    return 1 if report.problem else 0


def _print_summary(report: Report, out: Path) -> None:
    """Print how many pictures were fetched, and the first failures with their reasons."""
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in report.counts.items() if count)
    print(f"{len(report.results):,} works: {outcomes}. The folder is {out}.")
    if report.without_picture:
        print(f"{report.without_picture:,} more works of this classification have no open-access picture.")
    if report.malformed:
        print(
            f"{len(report.malformed):,} malformed rows of the tables are left out; if many are, fetch the tables again."
        )
    for reason in report.malformed[:_FAILURES_SHOWN]:
        print(f"  {reason}")
    for result in report.failures[:_FAILURES_SHOWN]:
        print(f"  {result.id}: {result.reason}")
    if len(report.failures) > _FAILURES_SHOWN:
        print(f"  and {len(report.failures) - _FAILURES_SHOWN:,} more, all in {out / 'report.json'}")
    if report.problem:
        print(f"Error: {report.problem}", file=sys.stderr)


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    """An argparse type: a whole number from `least` to `most`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} to {most}")
        return int(text)

    return parse
