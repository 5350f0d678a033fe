"""Reads and joins the museum's CSV files: works, their open-access pictures and their terms.

The files and their columns are described in the data dictionary of https://github.com/NationalGalleryOfArt/opendata.
Two generations of `published_images.csv` are supported: with and without `openaccess`, and with the work's number in
`depictstmsobjectid` or in `objectid`.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artsim.errors import SourceError

OBJECTS, IMAGES, TERMS = "objects.csv", "published_images.csv", "objects_terms.csv"
# Required columns of each table; a tuple lists alternatives. Missing other columns have the value None.
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    OBJECTS: (("objectid",), ("title",), ("attribution",), ("classification",)),
    IMAGES: (("iiifurl",), ("viewtype",), ("depictstmsobjectid", "objectid")),
    TERMS: (("objectid",), ("termtype",), ("term",)),
}
TERM_TYPES = ("style", "theme", "school", "technique", "keyword", "place executed")
MUSEUM_PAGE = "https://www.nga.gov/artworks/{}"
# Every picture is served at 4096 px at most; a lower `maxpixels` is the fair-use limit of a work under copyright.
SERVICE_LIMIT = 4096
# By the data dictionary, a work without a display date has its artist's life dates as begin and end years.
SHORT_LIFE = 20

Row = Mapping[str, str]


@dataclass(frozen=True)
class OpenImage:
    """The primary view of one work: its IIIF base address and its alternative text."""

    iiif_url: str
    alt: str | None


@dataclass(frozen=True)
class NgaWork:
    """One work that has an open-access picture. `objects` is its row of objects.csv, `terms` maps a type to its terms."""

    object_id: int
    objects: Row
    image: OpenImage
    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"nga-{self.object_id}"

    def columns(self) -> dict[str, str | int | list[str] | None]:
        """The metadata of the work, without file name and picture address; every work has the same keys."""
        row, years = self.objects, _years(self.objects)
        return {
            "id": self.id,
            "title": _text(row.get("title")),
            "artist": _text(row.get("attribution")),
            "year": years[0],
            "end_year": years[1],
            "date": _text(row.get("displaydate")),
            "medium": _text(row.get("medium")),
            "classification": _text(row.get("classification")),
            "dimensions": _text(row.get("dimensions"), line_break="; "),
            "credit_line": _text(row.get("creditline")),
            **{kind.replace(" ", "_"): list(self.terms.get(kind, ())) for kind in TERM_TYPES},
            "accession": _text(row.get("accessionnum")),
            "url": MUSEUM_PAGE.format(self.object_id),
            "license": "CC0-1.0",
            "alt": self.image.alt,
        }


@dataclass(frozen=True)
class Selection:
    """The works to fetch, by object number, and how many others of the classification have no open-access picture."""

    works: tuple[NgaWork, ...]
    without_picture: int


def read_works(folder: Path, *, classification: str = "painting", limit: int | None = None) -> Selection:
    """The works whose classification contains a word (any case) and that have a primary, open-access picture.

    `limit` keeps the first works by object number. Raises `SourceError` when a table is missing or malformed, or when
    no work is left.
    """
    objects = _read_objects(folder / OBJECTS, classification)
    images = _read_images(folder / IMAGES, wanted=objects.keys())
    if not images:
        raise SourceError(
            f"None of the {len(objects):,} works classified as '{classification}' in {folder / OBJECTS} has a primary, "
            f"open-access picture in {folder / IMAGES}. Are the two files of the same age? --download fetches both."
        )
    chosen = sorted(images)[:limit]
    terms = _read_terms(folder / TERMS, wanted=set(chosen))
    works = tuple(NgaWork(number, objects[number], images[number], terms.get(number, {})) for number in chosen)
    return Selection(works, without_picture=len(objects) - len(images))


def _read_objects(path: Path, classification: str) -> dict[int, Row]:
    word = classification.casefold()
    objects: dict[int, Row] = {}
    others: Counter[str] = Counter()
    for line, row in read_table(path):
        if word in row["classification"].casefold():
            objects.setdefault(_object_id(row["objectid"], path, line, "objectid"), row)
        else:
            others[row["classification"]] += 1
    if not objects:
        known = ", ".join(name for name, _ in others.most_common(12) if name) or "none at all"
        raise SourceError(
            f"No work in {path} has '{classification}' in its column classification, which holds: {known}."
        )
    return objects


def _read_images(path: Path, *, wanted: Container[int]) -> dict[int, OpenImage]:
    """The open-access primary view of each wanted work; if there are several, the first in the museum's sequence."""
    best: dict[int, tuple[int, OpenImage]] = {}
    for line, row in read_table(path):
        column = "depictstmsobjectid" if "depictstmsobjectid" in row else "objectid"
        if row["viewtype"].strip().casefold() != "primary" or not row[column].strip() or not _is_open(row):
            continue  # pictures of no object in the collection have no number
        number = _object_id(row[column], path, line, column)
        sequence = _integer(row.get("sequence")) or 0
        if number in wanted and (number not in best or sequence < best[number][0]):
            best[number] = sequence, OpenImage(row["iiifurl"].strip(), _text(row.get("assistivetext")))
    return {number: image for number, (_, image) in best.items()}


def _is_open(row: Row) -> bool:
    if "openaccess" in row:
        return row["openaccess"].strip().casefold() in ("1", "t", "true", "yes")
    limit = _integer(row.get("maxpixels"))
    return not limit or limit >= SERVICE_LIMIT


def _read_terms(path: Path, *, wanted: Container[int]) -> dict[int, dict[str, tuple[str, ...]]]:
    """Terms by work and type, in file order, without duplicates."""
    terms_by_work: dict[int, dict[str, tuple[str, ...]]] = {}
    for line, row in read_table(path):
        kind, term = row["termtype"].strip().casefold(), _text(row["term"])
        if kind not in TERM_TYPES or not term or term.casefold() == f"{kind}s":
            continue  # "Themes", "Keywords": roots of the museum's thesaurus, which do not describe the work
        number = _object_id(row["objectid"], path, line, "objectid")
        if number in wanted:
            terms = terms_by_work.setdefault(number, {})
            if term not in terms.get(kind, ()):
                terms[kind] = (*terms.get(kind, ()), term)
    return terms_by_work


def read_table(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of one of the museum's CSV files, each with the number of its last line; column names in lower case.

    Raises `SourceError`, naming file, line and column, when the file is missing, is not such a table, or is cut off.
    """
    try:
        # utf-8-sig: a table saved by a spreadsheet begins with a byte order mark
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)  # strict: an unclosed quote is an error, not a huge field
            header = _header(next(reader, []))
            _check_header(path, header)
            for values in reader:
                if not values:
                    continue
                if len(values) != len(header):
                    raise SourceError(
                        f"{path}, line {reader.line_num}: {len(values)} fields where the header has {len(header)} "
                        f"(the last is '{values[-1][:40]}'). The file may be cut off or edited; fetch it again."
                    )
                yield reader.line_num, dict(zip(header, values, strict=True))
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist. --download fetches the museum's tables into that folder.") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8 text ({error.reason}, byte {error.start:,}); fetch it again.") from None
    except csv.Error as error:
        raise SourceError(f"{path}, line {reader.line_num}, is not CSV ({error}); fetch the file again.") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error


def check_first_line(path: Path, line: bytes) -> None:
    """Raise `SourceError` unless `line` is a header of the table `path`: the download may be a web page."""
    _check_header(path, _header(next(csv.reader([line.decode("utf-8-sig", errors="replace")]), [])))


def _header(names: list[str]) -> list[str]:
    return [name.strip().casefold() for name in names]


def _check_header(path: Path, header: list[str]) -> None:
    for choice in REQUIRED[path.name]:
        if not any(name in header for name in choice):
            wanted = " or ".join(f"'{name}'" for name in choice)
            actual = ", ".join(header)[:200] or "nothing"
            raise SourceError(f"{path} has no column {wanted}; its first line has: {actual}. Is it the museum's file?")
    duplicates = [name for name, times in Counter(header).items() if times > 1]
    if duplicates:
        raise SourceError(f"{path} has the column '{duplicates[0]}' more than once.")


def _object_id(value: str, path: Path, line: int, column: str) -> int:
    number = _integer(value)
    if number is None or number < 0:
        raise SourceError(f"{path}, line {line}, column '{column}': '{value[:40]}' is not the number of a work.")
    return number


def _integer(value: str | None) -> int | None:
    """'1650' or '1650.0' (a table saved again by pandas) as int, anything else as None."""
    match = re.fullmatch(r"\s*(-?[0-9]{1,9})(?:\.0)?\s*", value or "")
    return int(match[1]) if match else None


def _years(row: Row) -> tuple[int | None, int | None]:
    """The begin and end year of the work; None if the museum only has the life dates of its artist."""
    begin, end = _integer(row.get("beginyear")), _integer(row.get("endyear"))
    undated = not (row.get("displaydate") or "").strip()
    if undated and begin is not None and end is not None and end - begin > SHORT_LIFE:
        return None, None
    return begin, end


def _text(value: str | None, *, line_break: str = " ") -> str | None:
    """One line without the museum's italics (`_word_`, `<i>word</i>`), or None when empty."""
    if not value:
        return None
    value = re.sub(r"</?(?:i|em)>", "", value, flags=re.IGNORECASE)
    value = re.sub(r"(?<!\w)_([^_]+)_(?!\w)", r"\1", value)
    lines = (" ".join(line.split()) for line in value.splitlines())
    return line_break.join(line for line in lines if line) or None
