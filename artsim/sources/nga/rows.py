"""Reads the rows of the museum's CSV files. A malformed row is left out and named, and the others are read."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from artsim.errors import SourceError

OBJECTS, IMAGES, TERMS = "objects.csv", "published_images.csv", "objects_terms.csv"
REQUIRED = {
    OBJECTS: ("objectid", "title", "attribution", "classification"),
    IMAGES: ("objectid", "iiifurl", "viewtype"),
    TERMS: ("objectid", "termtype", "term"),
}
"""Columns without which a table is not the museum's; other columns may be missing."""

Row = Mapping[str, str]


def read_rows(path: Path, malformed: list[str]) -> Iterator[tuple[int, Row]]:
    """The rows of one of the museum's tables that have the number of a work, with that number; others are of no object.

    What is wrong with a row that cannot be read is added to `malformed`, with its line. Raises `SourceError` when the file
    is missing, is not such a table, or more of its rows are malformed than not.
    """
    read, named_before = 0, len(malformed)
    try:
        # utf-8-sig: a table saved by a spreadsheet begins with a byte order mark
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            header = read_header(path, file.readline())
            for line, values, problem in _records(file, len(header)):
                row = dict(zip(header, values, strict=False))
                number = integer(row.get("objectid"))
                if not problem and values and row["objectid"].strip() and (number is None or number < 0):
                    problem = f"column 'objectid': '{row['objectid'][:40]}' is not the number of a work"
                if problem:
                    malformed.append(f"{path.name}, line {line}: {problem}")
                elif number is not None:
                    read += 1
                    yield number, row
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist. --download fetches the museum's tables into that folder.") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error}); fetch it again.") from error
    left_out = len(malformed) - named_before
    if left_out > read:
        raise SourceError(
            f"{path}: {left_out:,} of {left_out + read:,} rows are malformed, such as {malformed[named_before]}. The file may "
            "be cut off or edited; fetch it again."
        )


def read_header(path: Path, line: str) -> list[str]:
    """The column names in lower case, the work's number as `objectid`. `SourceError` if `line` is no header of `path`."""
    header = [name.strip().strip('"').casefold() for name in line.split(",")]
    if "objectid" not in header:
        header = ["objectid" if name == "depictstmsobjectid" else name for name in header]
    for name in REQUIRED[path.name]:
        if name not in header:
            actual = ", ".join(header)[:200] or "nothing"
            raise SourceError(f"{path} has no column '{name}'; its first line has: {actual}. Is it the museum's file?")
    return header


def integer(value: str | None) -> int | None:
    """'1650' or '1650.0' (a table saved again by pandas) as int, anything else as None."""
    match = re.fullmatch(r"\s*(-?[0-9]{1,9})(?:\.0)?\s*", value or "")
    return int(match[1]) if match else None


def _records(file: TextIO, width: int) -> Iterator[tuple[int, list[str], str]]:
    """The first line of each record after the header, its values, and what is wrong with it, if anything.

    Of a malformed record only the first line is given up: a quote that is not closed takes in the rows after it.
    """
    again: deque[str] = deque()
    line = 1
    while True:
        used: list[str] = []
        values, problem = [], ""
        try:
            # strict: an unclosed quote is an error, not a huge field
            values = next(csv.reader(_lines(file, again, used), strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"not CSV ({error})"
        if values and len(values) != width:
            problem = f"{len(values)} fields where the header has {width}"
        elif not _is_unicode(used):
            problem = "not UTF-8 text"
        yield line + 1, values, problem
        if problem:
            again.extendleft(reversed(used[1:]))
        line += 1 if problem else len(used)


def _lines(file: TextIO, again: deque[str], used: list[str]) -> Iterator[str]:
    while text := again.popleft() if again else file.readline():
        used.append(text)
        yield text


def _is_unicode(lines: list[str]) -> bool:
    """Whether the lines were decoded without surrogates in place of bytes."""
    try:
        "".join(lines).encode()
    except UnicodeEncodeError:
        return False
    return True
