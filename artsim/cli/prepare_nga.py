"""Make a labelled picture folder of the National Gallery of Art's open data: a Hugging Face `imagefolder`.

Stopped at any moment, the same command goes on where it was. Build a collection of the folder with --source nga:DIR.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

HELP = "make a picture folder of the National Gallery of Art's open data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="folder of the museum's CSV files")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write; the same one again goes on")
    add("--classification", default="painting", metavar="WORD", help="word in the works' classification (painting)")
    add("--limit", type=_whole_number(1, 1_000_000), metavar="N", help="only the first N works, by object number")
    add("--size", type=_whole_number(64, 4096), default=640, metavar="PX", help="longer side of a picture (640)")
    add("--workers", type=_whole_number(1, 16), default=4, metavar="N", help="requests at once, at most 16 (4)")
    add("--download", action="store_true", help="first fetch the CSV files that --data lacks")
    add("--csv-base-url", metavar="URL", help="where --download finds them (the museum's GitHub)")
    add("--iiif-base", metavar="URL", help="fetch pictures from URL/IDENTIFIER instead of the museum: a mirror")
    add("--retry-wait", type=_seconds, default=1.0, metavar="S", help="before the first retry; then doubled (1)")


def run(arguments: argparse.Namespace) -> int:
    from artsim.sources.nga import preparation

    return preparation.run(
        preparation.Options(
            data=arguments.data,
            out=arguments.out,
            classification=arguments.classification,
            limit=arguments.limit,
            size=arguments.size,
            workers=arguments.workers,
            download=arguments.download,
            csv_base_url=arguments.csv_base_url or preparation.CSV_BASE_URL,
            iiif_base=arguments.iiif_base,
            retry_wait=arguments.retry_wait,
        )
    )


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    """An argparse type: a whole number from `least` to `most`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} to {most}")
        return int(text)

    return parse


def _seconds(text: str) -> float:
    """An argparse type: seconds from 0 to 60."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 60:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0 to 60")
    return value
