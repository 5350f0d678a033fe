"""What is written about the works, indexed for search by words: SQLite's full-text search (FTS5) in memory.

The index is made from a table of metadata and belongs to that table. Nothing of it is stored, and no file is read.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.columns import COLUMNS, column_of, kind_of, label_columns
from artsim.errors import CollectionError
from artsim.search.words import Vocabulary, fold, phrase_of, terms_of
from artsim.snapshot.filters import distinct_values

_FEW = 5  # works with words that begin as typed; where fewer are found, typing errors are forgiven
_LONGEST_SUGGESTION = 100  # characters
_CHUNK = 8192  # works whose texts are in memory at once
_TABLE = "create virtual table works using fts5(artist, title, other, content='', prefix='1 2', tokenize='unicode61')"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Suggestion:
    """A value of a column that begins with what was typed, or contains it."""

    text: str
    column: str
    works: int
    """How many works have it."""


class LabelIndex:
    """The searched columns of one table, and their values as suggestions. Thread-safe."""

    def __init__(self, table: pa.Table) -> None:
        """Takes seconds for 100,000 works. Raises `CollectionError` if this Python's SQLite has no FTS5."""
        self.table = table
        self._lock = threading.Lock()
        self._database = _connect()
        keys: dict[str, list[int]] = {"artist": [], "title": [], "id": []}
        with self._database:  # one transaction
            for first in range(0, len(table), _CHUNK):
                chunk = table.slice(first, _CHUNK)
                texts = [_texts(chunk, _columns_of(table, part)) for part in ("artist", "title", "other")]
                rows = zip(range(first, first + len(chunk)), *texts, strict=True)
                self._database.executemany("insert into works(rowid, artist, title, other) values (?, ?, ?, ?)", rows)
                for part, of_part in keys.items():
                    of_part += map(hash, _labels(chunk, ["id"] if part == "id" else _columns_of(table, part)))
            self._database.execute("insert into works(works) values ('optimize')")
        self._keys = {part: np.array(of_part, np.int64) for part, of_part in keys.items()}
        self._database.execute("create virtual table vocabulary using fts5vocab(works, 'row')")
        words = self._database.execute("select term, doc from vocabulary").fetchall()
        self._vocabulary = Vocabulary([word for word, _ in words], [count for _, count in words])
        self._values = _Values(table)

    def search(self, text: str, k: int, allowed: np.ndarray | None = None) -> np.ndarray:
        """Rows of the `k` best works, best first: those whose artist, title or id is the text; those with all its words; those
        with words that begin so; and, where hardly any are found, those with words that differ by typing errors.

        Of each kind, those with the words in the artist come first, then in the title, then anywhere; then the collection's
        order. `allowed` (n,) bool: the works that may be found. Takes any text.
        """
        terms = terms_of(text)
        if not terms:
            return np.zeros(0, np.int64)
        passes = None if allowed is None else allowed.tolist()
        found: dict[int, None] = {}
        with self._lock:
            for row in self._ranked(terms):
                if passes is None or passes[row]:
                    found[row] = None
                    if len(found) == k:
                        break
        return np.array(list(found), np.int64)

    def has(self, text: str) -> bool:
        """Whether a work is the text, by its artist, title or id, or has words that begin as all of its words do."""
        terms = terms_of(text)
        if not terms or any((keys == hash(" ".join(terms))).any() for keys in self._keys.values()):
            return bool(terms)
        with self._lock:
            return any(True for _ in self._rows_with([[term] for term in terms], begun=True))

    def suggest(self, text: str, limit: int) -> list[Suggestion]:
        """At most `limit` values: those with words that begin as the words of the text do (if there are none, typing errors
        are forgiven), then those that contain these. Of each kind, artists come first, then what begins with the first word,
        then what most works have. Takes any text."""
        terms = [[term] for term in terms_of(text)]
        if not terms:
            return []
        values = self._values
        containing = values.rows_with(terms)
        found = values.best(values.rows_with(terms, containing, begun=True), terms, limit)
        if not found and (forgiven := self._forgiven(terms)) != terms:
            found = values.best(values.rows_with(forgiven, begun=True), terms, limit)
        if len(found) < limit:
            for phrase, suggestion in values.best(containing, terms, limit).items():
                found.setdefault(phrase, suggestion)
        return list(found.values())[:limit]

    def _ranked(self, terms: Sequence[str]) -> Iterator[int]:
        """Rows, best first; a row may come again."""
        whole = hash(" ".join(terms))
        for keys in self._keys.values():
            yield from np.flatnonzero(keys == whole).tolist()
        words = [[term] for term in terms]
        yield from self._rows_with(words)
        begun = set()
        for row in self._rows_with(words, begun=True):
            begun.add(row)
            yield row
        if len(begun) < _FEW and (forgiven := self._forgiven(words)) != words:
            yield from self._rows_with(forgiven)

    def _rows_with(self, words: Sequence[Sequence[str]], *, begun: bool = False) -> Iterator[int]:
        """Rows with one of each of `words`, phrases of letters and digits: in the artist, in the title, in both, anywhere."""
        expression = " AND ".join(_any_of(some, "*" if begun else "") for some in words)
        if not any(True for _ in self._matching(expression)):
            return
        yield from self._matching(f"artist : ({expression})")
        yield from self._matching(f"title : ({expression})")
        if len(words) > 1:
            yield from self._matching(f"{{artist title}} : ({expression})")
        yield from self._matching(expression)

    def _matching(self, expression: str) -> Iterator[int]:
        with closing(self._database.execute("select rowid from works where works match ?", (expression,))) as rows:
            yield from (row for (row,) in rows)

    def _forgiven(self, words: Sequence[list[str]]) -> list[list[str]]:
        """`words`, each with the words that it may be mistyped for."""
        return [[*some, *self._vocabulary.near(some[0])] for some in words]


class LabelIndexes:
    """The index of a collection: made on first use, and again once its metadata has changed. Thread-safe."""

    def __init__(self) -> None:
        self._lock, self._worker_lock = threading.Lock(), threading.Lock()
        self._latest: LabelIndex | None = None
        self._is_kept_ready = False
        self._wanted: pa.Table | None = None
        self._worker: threading.Thread | None = None

    def keep_ready(self, table: pa.Table) -> None:
        """Make the index in the background, now and after every change."""
        self._is_kept_ready = True
        self.follow(table)

    def follow(self, table: pa.Table) -> None:
        """`table` is the collection's from now on."""
        with self._worker_lock:
            self._wanted = table
            if self._is_kept_ready and self._worker is None:
                self._worker = threading.Thread(target=self._work, name="labels", daemon=True)
                self._worker.start()

    def _work(self) -> None:
        while True:
            wanted = self._wanted
            try:
                self.of(wanted)
            except CollectionError as error:  # as every search for words will say, too
                log.warning("%s", error)
            except Exception:  # the next change is another attempt
                log.exception("What is written about the works cannot be indexed.")
            with self._worker_lock:
                if self._wanted is wanted:
                    self._worker = None
                    return

    def of(self, table: pa.Table) -> LabelIndex:
        """The index of a table, made now if it is not ready. Raises `CollectionError`."""
        with self._lock:  # whoever else needs it waits
            if self._latest is None or self._latest.table is not table:
                self._latest = LabelIndex(table)
            return self._latest


class _Values:
    """The distinct values of the columns that are suggested."""

    def __init__(self, table: pa.Table) -> None:
        columns = [name for name in table.column_names if _is_suggested(name, table.schema.field(name).type)]
        values = [
            (text, number, works)
            for number, name in enumerate(columns)
            for text, works in distinct_values(table, name)
            if isinstance(text, str) and len(text) <= _LONGEST_SUGGESTION
        ]
        self._columns = columns
        self._texts = pa.array([text for text, _, _ in values], pa.string())
        self._phrases = pa.array([f" {phrase_of(text)}" for text, _, _ in values], pa.string())
        self._column = np.array([number for _, number, _ in values], np.int64)
        self._works = np.array([works for _, _, works in values], np.int64)
        self._is_artist = np.isin(
            self._column, [i for i, name in enumerate(columns) if column_of(name).label == "artist"]
        )

    def rows_with(
        self, terms: Sequence[Sequence[str]], among: np.ndarray | None = None, *, begun: bool = False
    ) -> np.ndarray:
        """Values that contain one of each of `terms`; at the beginning of a word, if `begun` or if it is one letter."""
        rows = np.arange(len(self._phrases)) if among is None else among
        for some in sorted(terms, key=lambda some: -len(some[0])):  # the longest leaves the fewest
            phrases = self._phrases if len(rows) == len(self._phrases) else self._phrases.take(pa.array(rows))
            rows = rows[_matches(phrases, f"{' ' if begun or len(some[0]) == 1 else ''}({'|'.join(some)})")]
        return rows

    def best(self, rows: np.ndarray, terms: Sequence[Sequence[str]], limit: int) -> dict[str, Suggestion]:
        """The best of the values at `rows`, by phrase: artists, then what begins with the first term, then by works."""
        phrases = self._phrases.take(pa.array(rows))
        first = _matches(phrases, f"^ ({'|'.join(terms[0])})")
        found: dict[str, Suggestion] = {}
        for position in np.lexsort((-self._works[rows], ~first, ~self._is_artist[rows])).tolist():
            row = int(rows[position])
            suggestion = Suggestion(self._texts[row].as_py(), self._columns[self._column[row]], int(self._works[row]))
            found.setdefault(phrases[position].as_py(), suggestion)
            if len(found) == limit:
                break
        return found


def _matches(phrases: pa.Array, pattern: str) -> np.ndarray:
    """(n,) bool: whether each of `phrases` contains `pattern`, of letters and digits, which need no escape."""
    return np.asarray(pc.match_substring_regex(phrases, pattern).to_numpy(zero_copy_only=False))


def _connect() -> sqlite3.Connection:
    """A database in memory with the empty table `works`. Raises `CollectionError` if SQLite cannot search texts."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        database.execute(_TABLE)
    except sqlite3.OperationalError as error:
        raise CollectionError(
            "Titles, artists and other metadata cannot be searched: the SQLite {version} of this Python has no full-text"
            " search (FTS5). Install another Python.",
            version=sqlite3.sqlite_version,
        ) from error
    return database


def _columns_of(table: pa.Table, part: str) -> list[str]:
    """The searched columns of a table that belong to a part of the index, the best first.

    Not the ids, which often have a beginning in common that is a word.
    """
    names = label_columns(part) if part != "other" else table.column_names
    return [
        name
        for name in names
        if name in table.column_names
        and name != "id"
        and column_of(name).searched
        and (part != "other" or column_of(name).label not in ("artist", "title"))
        and _is_words(name, table.schema.field(name).type)
    ]


def _is_words(name: str, kind: pa.DataType) -> bool:
    """Whether a column has words. Numbers count where artsim knows what they are, such as a year."""
    return kind_of(kind) in (("text", "list", "whole number") if name in COLUMNS else ("text", "list"))


def _is_suggested(name: str, kind: pa.DataType) -> bool:
    column = column_of(name)
    return column.searched and column.comparable and not column.long and kind_of(kind) in ("text", "list")


def _texts(chunk: pa.Table, columns: Sequence[str]) -> list[str]:
    """The folded values of `columns` of each work, one after the other."""
    folded: dict[Any, str] = {None: ""}

    def text(value: Any) -> str:
        if isinstance(value, list):
            return " ".join(map(text, value))
        if value not in folded:
            folded[value] = fold(str(value))
        return folded[value]

    texts = [""] * len(chunk)
    for name in columns:
        texts = [f"{before} {text(value)}" for before, value in zip(texts, chunk.column(name).to_pylist(), strict=True)]
    return texts


def _labels(chunk: pa.Table, columns: Sequence[str]) -> list[str]:
    """The first value of `columns` of each work, as a phrase."""
    labels = [""] * len(chunk)
    for name in columns:
        values = chunk.column(name).to_pylist()
        labels = [label or phrase_of(str(value or "")) for label, value in zip(labels, values, strict=True)]
    return labels


def _any_of(phrases: Sequence[str], star: str) -> str:
    """An FTS5 expression for one of `phrases`, which are letters, digits and spaces; with a star, they are beginnings."""
    return f"({' OR '.join(chr(34) + phrase + chr(34) + star for phrase in phrases)})"
