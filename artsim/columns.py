"""What artsim knows of a metadata column, in one table; and values of columns as editable text and back, by type.

A collection may have any other columns: they are shown, filtered by and edited as their values allow.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from artsim.errors import QueryError
from artsim.messages.message import Message

KINDS = ("text", "number", "whole number", "yes or no", "list")
"""The kinds that `kind_of` returns."""
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column. Its heading is the message `column.NAME`."""

    kind: str | None = None
    """One of `KINDS`; None: what the values are. Text remains text if a file has only numbers there (a title "1984")."""
    meaning: str = ""
    """Its description on the dataset card."""
    label: Literal["title", "artist", "date"] | None = None
    """The part of a work's label that it provides; the first such column with a value does."""
    facet: bool | None = None
    """True: among the first filters offered. False: no filter. None: a filter if its values suit."""
    listed: bool = True
    """Whether a visitor finds it among the metadata of a work; False for what is shown elsewhere."""
    comparable: bool = True
    """Whether it says something about two works that they have the same value; False for identifiers, prose and the like."""
    searched: bool = True
    """Whether a search for words looks into it: a visitor's, or the owner's."""
    long: bool = False
    """Whether the owner edits it in a field of several lines."""
    synonyms: tuple[str, ...] = ()
    """What tables call it in the six languages of the app, most likely first."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COLUMNS: Mapping[str, Column] = {
    "id": Column(
        kind="text",
        meaning="identifier of the work in searches; unique",
        facet=False,
        listed=False,
        comparable=False,
    ),
    "image": Column(meaning="the picture, as its original file", searched=False),
    "title": Column(
        kind="text",
        meaning="title",
        label="title",
        facet=False,
        listed=False,
        synonyms=_words(
            "name caption titel objekttitel werktitel titre título titulo タイトル 題名 作品名 标题 题名 作品名称"
        ),
    ),
    "name": Column(kind="text", label="title"),
    "caption": Column(kind="text", label="title", facet=False, comparable=False, long=True),
    "file_name": Column(kind="text", label="title", comparable=False),
    "artist": Column(
        kind="text",
        meaning="who made it",
        label="artist",
        facet=True,
        listed=False,
        synonyms=_words(
            "artist_name author painter creator attribution künstler künstlerin künstler/in "
            "künstler*in künstler:in maler malerin urheber artiste peintre auteur artista pintor "
            "autor 作者 作家 画家 艺术家"
        ),
    ),
    "creator": Column(label="artist", facet=True),
    "author": Column(label="artist", facet=True),
    "maker": Column(label="artist"),
    "attribution": Column(label="artist"),
    "artist_bio": Column(meaning="a line about the artist", comparable=False, long=True),
    "date": Column(
        kind="text",
        meaning="when it was made, in words",
        label="date",
        comparable=False,
        synonyms=_words("datierung entstehungszeit datation datación fecha 制作年代 创作年代 年代"),
    ),
    "year": Column(
        kind="whole number",
        meaning="year in which it was made, or the first of them",
        label="date",
        synonyms=_words("creation_year begin_year beginyear jahr entstehungsjahr année annee año 制作年 年份 创作年份"),
    ),
    "year_from": Column(
        kind="whole number",
        meaning="first year of the span in which it was made, as read from its date",
        facet=False,
        listed=False,
        comparable=False,
        searched=False,
    ),
    "year_to": Column(
        kind="whole number",
        meaning="last year of that span",
        facet=False,
        listed=False,
        comparable=False,
        searched=False,
        synonyms=_words("end_year endyear year_end"),
    ),
    "display_date": Column(label="date"),
    "displaydate": Column(label="date"),
    "period": Column(kind="text", meaning="period", facet=True),
    "style": Column(meaning="style", facet=True),
    "genre": Column(meaning="genre", facet=True),
    "movement": Column(facet=True),
    "school": Column(facet=True),
    "culture": Column(kind="text", meaning="culture or region", facet=True),
    "medium": Column(
        kind="text",
        meaning="materials and technique",
        facet=True,
        synonyms=_words(
            "material/technik material_und_technik technik matériaux_et_techniques "
            "materiales_y_técnica técnica tecnica 技法・材質 材质"
        ),
    ),
    "technique": Column(facet=True),
    "material": Column(facet=True),
    "classification": Column(facet=True),
    "type": Column(facet=True),
    "department": Column(kind="text", meaning="department of the museum", facet=True),
    "museum": Column(facet=True),
    "country": Column(facet=True),
    "nationality": Column(meaning="nationality of the artist", facet=True),
    "label": Column(kind="text", meaning="name of the folder that contained it", facet=True),
    "tags": Column(kind="list", meaning="what it shows, as keywords", facet=True),
    "keywords": Column(facet=True),
    "dimensions": Column(
        meaning="size of the object",
        comparable=False,
        searched=False,
        synonyms=_words("maße abmessungen dimensiones medidas 寸法 尺寸"),
    ),
    "credit_line": Column(meaning="how the museum acquired it", comparable=False, long=True, searched=False),
    "description": Column(facet=False, comparable=False, long=True),
    "url": Column(kind="text", meaning="page of the work", facet=False, listed=False, comparable=False, searched=False),
    "image_url": Column(
        kind="text",
        meaning="where the picture can be fetched",
        facet=False,
        listed=False,
        comparable=False,
        searched=False,
    ),
    "license": Column(
        kind="text", meaning="licence of the picture", facet=False, listed=False, comparable=False, searched=False
    ),
    "rights": Column(comparable=False, searched=False),
    "accession_number": Column(kind="text", comparable=False),
    "path": Column(comparable=False, searched=False),
    "sha256": Column(
        meaning="sha256 of the picture's file", facet=False, listed=False, comparable=False, searched=False
    ),
}
"""The columns with a meaning to artsim, by name. Of two with the same role, the first comes first."""
_OTHER = Column()


def column_of(name: str) -> Column:
    """What is known of the column `name`: nothing, if it is not in the table."""
    return COLUMNS.get(name, _OTHER)


def label_columns(part: str) -> tuple[str, ...]:
    """The columns that can provide a part of a work's label, the best first."""
    return tuple(name for name, column in COLUMNS.items() if column.label == part)


def plain_name(name: str) -> str:
    """The name of a column as code writes it: `File Name` as `file_name`."""
    return re.sub(r"[\s-]+", "_", unicodedata.normalize("NFC", name).strip().casefold())


def standard_names(names: Iterable[str]) -> list[str]:
    """Names of a table's columns: those that artsim knows in its spelling (`Title` as `title`), and synonyms such as
    `artist_name` renamed to `artist`, unless it has an `artist`."""
    renamed = list(names)
    plain = [plain_name(name) for name in renamed]
    for name, column in COLUMNS.items():
        known = map(plain_name, (name, *column.synonyms))
        place = next((plain.index(spelling) for spelling in known if spelling in plain), None)
        if name not in renamed and place is not None:
            renamed[place] = plain[place] = name
    return renamed


def features(names: Iterable[str]) -> dict[str, Any]:
    """The `datasets` features of columns; text, if the table says nothing else."""
    from datasets import List, Value

    features_of_kinds = {"whole number": Value("int64"), "list": List(Value("string"))}
    return {name: features_of_kinds.get(column_of(name).kind or "text", Value("string")) for name in names}


def kind_of(column: pa.DataType) -> str | None:
    """The kind of values in a column, one of `KINDS`; None if they cannot be written as text."""
    if pa.types.is_string(column) or pa.types.is_large_string(column):
        return "text"
    if pa.types.is_boolean(column):
        return "yes or no"
    if pa.types.is_integer(column):
        return "whole number"
    if pa.types.is_floating(column):
        return "number"
    if pa.types.is_list(column) or pa.types.is_large_list(column):
        return "list" if kind_of(column.value_type) in ("text", "number", "whole number") else None
    return None


def write_value(value: Any) -> str:
    """A value as text that `read_value` can parse; a list has one item per line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "\n".join(write_value(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_value(text: str, column: pa.DataType, name: str) -> Any:
    """Parse `text` as a value of the type `column`; None if empty ([] for a list). `QueryError` if it does not fit."""
    text = text.replace("\r\n", "\n").strip()
    kind = kind_of(column)
    if kind is None:
        raise QueryError(
            "The column {column} cannot be edited here: its values are {kind}.", column=name, kind=str(column)
        )
    if kind == "list":
        return [read_value(line, column.value_type, name) for line in text.splitlines() if line.strip()]
    if not text:
        return None
    if kind == "text":
        return text
    if kind == "yes or no":
        if text.lower() not in (*_YES, *_NO):
            raise QueryError("{column} is yes or no, not {text!r}.", column=name, text=text)
        return text.lower() in _YES
    try:
        value = int(text) if kind == "whole number" else float(text)
        pa.scalar(value, column)  # raises if the type has no room for it
    except (ValueError, pa.ArrowException, OverflowError):
        raise QueryError("{column} is a {kind}, not {text!r}.", column=name, kind=Message(kind), text=text) from None
    return value
