"""Labels of works, whatever the column names of their collection, and scores in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from artsim.columns import column_of, label_columns
from artsim.messages.strings import Strings
from artsim.search.match import Word
from artsim.search.words import fold
from artsim.snapshot.years import years_of

_TITLES, _ARTISTS, _DATES = (label_columns(part) for part in ("title", "artist", "date"))
LABEL_COLUMNS = ("id", *_TITLES, *_ARTISTS, *_DATES)
"""All columns that `label_of` reads."""
LONGEST_LABEL = 300
"""Characters of a title, an artist or a date on a page, where each stands several times."""
LONGEST_VALUE = 3_000
"""Characters of any other value on a page. Downloads and the API have all of them."""
_WORDS = ((99, "very-close"), (95, "close"), (80, "related"), (50, "some"))


class _Scored(Protocol):
    @property
    def word(self) -> Word | None: ...


@dataclass(frozen=True)
class Label:
    title: str
    artist: str
    year: str

    @property
    def by(self) -> str:
        """Artist and year in one line; either may be missing."""
        return ", ".join(part for part in (self.artist, self.year) if part)


def label_of(work: Mapping[str, Any], *, longest: int | None = LONGEST_LABEL) -> Label:
    """Title (or id), artist and year, each of at most `longest` characters."""
    texts = (_first(work, _TITLES) or str(work["id"]), _first(work, _ARTISTS), _first(work, _DATES))
    return Label(*(shortened(text, longest) for text in texts))


def shortened(text: str, longest: int | None) -> str:
    """The text, or its beginning with an ellipsis, in at most `longest` characters."""
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def order_key(work: Mapping[str, Any], order: str) -> tuple[bool, Any]:
    """The key of a work in the order by "title", "artist" or "year" (the middle of its years); works without it come last."""
    if order == "year":
        years = years_of(work)
        return years is None, 0 if years is None else years.middle
    text = getattr(label_of(work), order)
    return not text, fold(text)


def _first(work: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    return next((text for column in columns if (text := as_text(work.get(column)))), "")


def as_text(value: Any) -> str:
    """A metadata value as readable text; empty for None."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {as_text(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, list | tuple):
        return ", ".join(as_text(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def page_text(value: Any) -> str:
    """A metadata value as text for a page: of a very long one, the beginning."""
    return shortened(as_text(value), LONGEST_VALUE)


def metadata_of(work: Mapping[str, Any], strings: Strings) -> list[tuple[str, str]]:
    """(heading, text) of the metadata to show, in the collection's order."""
    shown = [(column, page_text(value)) for column, value in work.items() if column_of(column).listed]
    if work.get("date"):
        shown = [(column, text) for column, text in shown if column != "year"]
    return [(strings.column(column), text) for column, text in shown if text]


def safe_link(work: Mapping[str, Any]) -> tuple[str, str] | None:
    """(address, host) of the work's web page; None unless it is a valid http or https address."""
    url = work.get("url")
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return url.strip(), host.removeprefix("www.")


def word_text(word: Word, strings: Strings) -> str:
    """One of the three words for a score, in the visitor's language."""
    return strings(f"word.{word.replace(' ', '-')}")


def word_of(scored: _Scored, strings: Strings) -> str:
    """The word for a match, or for a step of a path; empty for a match by label."""
    return "" if scored.word is None else word_text(scored.word, strings)


def aspect_word(percentile: float, strings: Strings) -> str:
    """The word for a percentile in one aspect, such as "close"."""
    return strings(f"word.{next((word for least, word in _WORDS if percentile >= least), 'unlike')}")
