"""Reads and joins the museum's CSV files: works, their open-access pictures and their terms.

The files and their columns are described in the data dictionary of https://github.com/NationalGalleryOfArt/opendata.
Two generations of `published_images.csv` are supported: with and without `openaccess`, and with the work's number in
`depictstmsobjectid` or in `objectid`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from artsim.errors import SourceError
from artsim.sources.nga.rows import IMAGES, OBJECTS, TERMS, Row, integer, read_rows

TERM_TYPES = ("style", "theme", "school", "technique", "keyword", "place executed")
MUSEUM_PAGE = "https://www.nga.gov/artworks/{}"
# Every picture is served at 4096 px at most; a lower `maxpixels` is the fair-use limit of a work under copyright.
SERVICE_LIMIT = 4096
# By the data dictionary, a work without a display date has its artist's life dates as begin and end years.
SHORT_LIFE = 20


@dataclass(frozen=True)
class NgaWork:
    """One work that has an open-access picture, at the IIIF base address `iiif_url`."""

    number: int
    iiif_url: str
    columns: Mapping[str, Any]
    """Its metadata, without file name and picture address; every work has the same keys."""

    @property
    def id(self) -> str:
        return f"nga-{self.number}"


class Tables(NamedTuple):
    """What the museum's tables hold."""

    works: list[NgaWork]
    """In the order of their object numbers."""
    without_picture: int
    """How many more works of that classification have no primary, open-access picture."""
    malformed: list[str]
    """Rows that are left out: file, line, and what is wrong with them."""


def read_works(folder: Path, *, classification: str = "painting", limit: int | None = None) -> Tables:
    """The works whose classification contains a word (any case) and that have a primary, open-access picture.

    `limit` keeps the first. Raises `SourceError` when a table is missing, is not the museum's or is malformed for the
    most part, or when no work is left.
    """
    malformed: list[str] = []
    objects = _read_objects(folder / OBJECTS, classification, malformed)
    images = _read_images(folder / IMAGES, malformed, wanted=objects.keys())
    if not images:
        raise SourceError(
            f"None of the {len(objects):,} works classified as '{classification}' in {folder / OBJECTS} has a primary, "
            f"open-access picture in {folder / IMAGES}. Are the two files of the same age? --download fetches both."
        )
    chosen = sorted(images)[:limit]
    terms = _read_terms(folder / TERMS, malformed, wanted=set(chosen))
    works = [_work(number, objects[number], images[number], terms[number]) for number in chosen]
    return Tables(works, len(objects) - len(images), malformed)


def _work(number: int, row: Row, image: Row, terms: Mapping[str, list[str]]) -> NgaWork:
    year, end_year = _years(row)
    columns = {
        "id": f"nga-{number}",
        "title": _text(row["title"]),
        "artist": _text(row["attribution"]),
        "year": year,
        "end_year": end_year,
        "date": _text(row.get("displaydate")),
        "medium": _text(row.get("medium")),
        "classification": _text(row["classification"]),
        "dimensions": _text(row.get("dimensions"), line_break="; "),
        "credit_line": _text(row.get("creditline")),
        **{kind.replace(" ", "_"): list(dict.fromkeys(terms[kind])) for kind in TERM_TYPES},
        "accession": _text(row.get("accessionnum")),
        "url": MUSEUM_PAGE.format(number),
        "license": "CC0-1.0",
        "alt": _text(image.get("assistivetext")),
    }
    return NgaWork(number, image["iiifurl"].strip(), columns)


def _read_objects(path: Path, classification: str, malformed: list[str]) -> dict[int, Row]:
    word = classification.casefold()
    objects: dict[int, Row] = {}
    others: Counter[str] = Counter()
    for number, row in read_rows(path, malformed):
        if word in row["classification"].casefold():
            objects.setdefault(number, row)
        else:
            others[row["classification"]] += 1
    if not objects:
        known = ", ".join(name for name, _ in others.most_common(12) if name) or "none at all"
        raise SourceError(
            f"No work in {path} has '{classification}' in its column classification, which holds: {known}."
        )
    return objects


def _read_images(path: Path, malformed: list[str], *, wanted: Container[int]) -> dict[int, Row]:
    """The open-access primary view of each wanted work; if there are several, the first in the museum's sequence."""
    images: dict[int, Row] = {}
    for number, row in read_rows(path, malformed):
        if number in wanted and row["viewtype"].strip().casefold() == "primary" and _is_open(row):
            images[number] = min(images.get(number, row), row, key=lambda row: integer(row.get("sequence")) or 0)
    return images


def _is_open(row: Row) -> bool:
    if "openaccess" in row:
        return row["openaccess"].strip().casefold() in ("1", "t", "true", "yes")
    limit = integer(row.get("maxpixels"))
    return not limit or limit >= SERVICE_LIMIT


def _read_terms(path: Path, malformed: list[str], *, wanted: Container[int]) -> Mapping[int, Mapping[str, list[str]]]:
    """Terms by work and type, in file order."""
    terms: defaultdict[int, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for number, row in read_rows(path, malformed):
        if number in wanted:
            kind, term = row["termtype"].strip().casefold(), _text(row["term"])
            if term and term.casefold() != f"{kind}s":  # "Themes", "Keywords": roots of the museum's thesaurus
                terms[number][kind].append(term)
    return terms


def _years(row: Row) -> tuple[int | None, int | None]:
    """The begin and end year of the work; None if the museum only has the life dates of its artist."""
    begin, end = integer(row.get("beginyear")), integer(row.get("endyear"))
    undated = not (row.get("displaydate") or "").strip()
    if undated and begin is not None and end is not None and end - begin > SHORT_LIFE:
        return None, None
    return begin, end


def _text(value: str | None, *, line_break: str = " ") -> str | None:
    """One line without the museum's italics (`_word_`, `<i>word</i>`), or None when empty."""
    value = re.sub(r"</?(?:i|em)>", "", value or "", flags=re.IGNORECASE)
    value = re.sub(r"(?<!\w)_([^_]+)_(?!\w)", r"\1", value)
    lines = (" ".join(line.split()) for line in value.splitlines())
    return line_break.join(line for line in lines if line) or None
