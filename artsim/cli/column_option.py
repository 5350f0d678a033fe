"""`--column NAME:TYPE`: whether a column of a table is text or number, where its values do not say it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from artsim.sources.table_values import ColumnType


def add_column_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--column",
        action="append",
        metavar="NAME:TYPE",
        help="what a column of the tables holds: text or number, such as year:number; again for others",
    )


def column_types(given: Sequence[str] | None) -> dict[str, ColumnType]:
    """The type of each column. Raises `ArgumentError` for anything but NAME:text and NAME:number."""
    from artsim.sources.table_values import COLUMN_TYPES

    types: dict[str, ColumnType] = {}
    for item in given or ():
        name, _, kind = item.rpartition(":")
        known = next((known for known in COLUMN_TYPES if known == kind), None)
        if not name or known is None:
            raise argparse.ArgumentError(None, f"--column {item}: write NAME:text or NAME:number, such as year:number")
        types[name] = known
    return types
