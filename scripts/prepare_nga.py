"""Make a labelled picture folder of the National Gallery of Art's open data.

    python scripts/prepare_nga.py --data nga-csv --download --out nga-paintings

Stopped at any moment, the same command goes on where it was. The folder is a Hugging Face `imagefolder`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from a clone, artsim need not be installed

from artsim.sources.nga.preparation import CSV_BASE_URL, Options, run


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """An argparse type: a whole number from `least` to `most`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} to {most}")
        return int(text)

    return parse


def seconds(text: str) -> float:
    """An argparse type: seconds from 0 to 60."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 60:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0 to 60")
    return value


def read_options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="folder of the museum's CSV files")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write; the same one again goes on")
    add("--classification", default="painting", metavar="WORD", help="word in the works' classification (painting)")
    add("--limit", type=whole_number(1, 1_000_000), metavar="N", help="only the first N works, by object number")
    add("--size", type=whole_number(64, 4096), default=640, metavar="PX", help="longer side of a picture (640)")
    add("--workers", type=whole_number(1, 16), default=4, metavar="N", help="requests at once, at most 16 (4)")
    add("--download", action="store_true", help="first fetch the CSV files that --data lacks")
    add("--csv-base-url", default=CSV_BASE_URL, metavar="URL", help="where --download finds them (the museum's GitHub)")
    add("--iiif-base", metavar="URL", help="fetch pictures from URL/IDENTIFIER instead of the museum: a mirror")
    add("--retry-wait", type=seconds, default=1.0, metavar="S", help="before the first retry; then doubled (1)")
    return Options(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(run(read_options()))
