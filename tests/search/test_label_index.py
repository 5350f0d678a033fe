"""Search in what is written about works: by any words, in any script, with typing errors, in a fixed order."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from artsim.errors import CollectionError
from artsim.search import label_index
from artsim.search.label_index import LabelIndex, LabelIndexes, Suggestion

WORKS: list[dict[str, Any]] = [
    {"id": "met-1", "title": "The Night Watch", "artist": "Rembrandt van Rijn", "year": 1642, "tags": ["militia", "Dogs"]},
    {"id": "met-2", "title": "After Rembrandt", "artist": "Unknown", "accession_number": "36.100.45"},
    {"id": "met-3", "title": "Young Hare", "artist": "Albrecht Dürer", "description": "A night of waiting, by Rembrandt's fire."},
    {"id": "met-4", "title": "神奈川沖浪裏", "artist": "葛飾北斎", "culture": "Japan"},
    {"id": "met-5", "title": "Жёлтый дом", "artist": "Łukasz Ørsted"},
    {"id": "met-6", "title": "مدينة الإسكندرية", "artist": "محمود سعيد"},
    {"id": "met-7", "title": "Rembrandtesque", "artist": "Georgia O'Keeffe"},
    {"id": "met-8", "title": "Night", "artist": "Johannes Vermeer", "place": "Delft", "medium": "Oil on canvas"},
    {"id": "met-9", "title": "Watch the Night", "artist": "Rembrandt van Rijn", "tags": ["dogs"], "dimensions": "3 x 4 cubits"},
]  # fmt: skip
COLUMNS = dict.fromkeys(key for work in WORKS for key in work)


@pytest.fixture(scope="module")
def index() -> LabelIndex:
    return LabelIndex(pa.Table.from_pylist([{name: work.get(name) for name in COLUMNS} for work in WORKS]))


def found(index: LabelIndex, text: str, k: int = 9, **options: Any) -> list[str]:
    return [WORKS[row]["id"] for row in index.search(text, k, **options)]


@pytest.mark.parametrize(
    ("text", "works"),
    [
        ("durer", ["met-3"]),
        ("DÜRER", ["met-3"]),
        ("duerer", ["met-3"]),
        ("Albrecht Duerer", ["met-3"]),
        ("vermer", ["met-8"]),
        ("delft", ["met-8"]),
        ("canvas oil", ["met-8"]),
        ("36.100.45", ["met-2"]),
        ("36.100", ["met-2"]),
        ("met-2", ["met-2"]),
        ("met", []),
        ("1642", ["met-1"]),
        ("dog", ["met-1", "met-9"]),
        ("浪裏", ["met-4"]),
        ("北斎", ["met-4"]),
        ("裏浪", []),
        ("ｊａｐａｎ", ["met-4"]),
        ("желтый", ["met-5"]),
        ("lukasz orsted", ["met-5"]),
        ("مَحمود", ["met-6"]),
        ("الاسكندرية", ["met-6"]),
        ("o'keeffe", ["met-7"]),
        ("okeeffe", ["met-7"]),
        ("cubits", []),
    ],
)
def test_works_are_found_by_their_metadata_in_any_spelling(index: LabelIndex, text: str, works: list[str]) -> None:
    assert found(index, text) == works


@pytest.mark.parametrize(
    ("text", "has"),
    [("rembrandt", True), ("Rembr", True), ("met-2", True), ("北斎", True), ("vermer", False), ("!", False)],
)
def test_an_index_knows_whether_words_are_in_it_as_they_are_spelled(index: LabelIndex, text: str, has: bool) -> None:
    assert index.has(text) == has


def test_exact_names_come_first_then_all_words_then_beginnings_then_errors(index: LabelIndex) -> None:
    assert found(index, "rembrandt") == [
        "met-1",
        "met-9",
        "met-2",
        "met-3",
        "met-7",
    ]  # artist, title, description; then a beginning
    assert found(index, "night") == [
        "met-8",
        "met-1",
        "met-9",
        "met-3",
    ]  # the title itself, titles with the word, a description
    assert found(index, "night watch") == ["met-1", "met-9"]
    assert found(index, "night wat") == ["met-1", "met-9"]
    assert found(index, "nigth wacth") == ["met-1", "met-9"]
    assert found(index, "rembrant") == ["met-1", "met-9", "met-2", "met-3"]
    assert found(index, "rembrandt", k=2) == ["met-1", "met-9"]
    assert found(index, "rembrandt", allowed=np.arange(9) > 0) == ["met-9", "met-2", "met-3", "met-7"]


@pytest.mark.parametrize(
    "text",
    ["", " \t", "\"'`", "*", "night*\"", "title : night OR", "NEAR(night, 2) ^ {artist} - +", "🙂", "\0", "a\0b",
     "\ud800 night", "\u202emithgin\u202c", "x" * 10_000, "night " * 3000, "( " * 5000, "%", "_", "1/0", "’“”"],
)  # fmt: skip
def test_any_text_is_answered_and_none_is_read_as_syntax(index: LabelIndex, text: str) -> None:
    assert set(found(index, text)) <= {work["id"] for work in WORKS}
    assert len(index.suggest(text, 3)) <= 3
    assert found(index, f'night {"*" * 3} " OR') == []  # "or" is a word
    assert found(index, '"night" - ( watch') == ["met-1", "met-9"]


def test_suggestions_begin_with_what_was_typed_then_contain_it_with_their_number_of_works(index: LabelIndex) -> None:
    assert index.suggest("rem", 9)[0] == Suggestion("Rembrandt van Rijn", "artist", 2)
    assert [value.text for value in index.suggest("REMBRANDT", 9)] == [
        "Rembrandt van Rijn", "Rembrandtesque", "After Rembrandt",
    ]  # fmt: skip
    assert index.suggest("dure", 1) == [Suggestion("Albrecht Dürer", "artist", 1)]
    assert index.suggest("rijn rem", 1) == [Suggestion("Rembrandt van Rijn", "artist", 2)]
    assert index.suggest("浪裏", 1) == [Suggestion("神奈川沖浪裏", "title", 1)]
    assert index.suggest("vermer", 1) == [Suggestion("Johannes Vermeer", "artist", 1)]
    assert index.suggest("eel", 3) == [] and index.suggest("keeff", 1)[0].column == "artist"
    assert index.suggest("meer", 3) == [Suggestion("Johannes Vermeer", "artist", 1)]  # contains it
    assert not any("fire" in value.text for value in index.suggest("night", 9))  # no prose


def test_empty_tables_and_columns_without_words_are_searched(index: LabelIndex) -> None:
    for table in (
        pa.table({"id": pa.array([], pa.string())}),
        pa.table({"id": ["x"], "title": pa.array([None], pa.string())}),
    ):
        empty = LabelIndex(table)
        assert empty.search("rembrandt", 3).tolist() == [] and empty.suggest("rembrandt", 3) == []


def test_an_index_is_made_once_per_table_however_many_ask_and_follows_in_the_background(index: LabelIndex) -> None:
    indexes, other = LabelIndexes(), index.table.slice(3)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: indexes.of(index.table), range(8)))
    assert len(set(map(id, made))) == 1
    answers = list(ThreadPoolExecutor(4).map(lambda _: made[0].search("night", 9).tolist(), range(40)))
    assert answers == [[7, 0, 8, 2]] * 40
    indexes.keep_ready(index.table)
    indexes.follow(other)
    while indexes._worker is not None:
        pass
    assert indexes._latest is not None and indexes._latest.table is other


def test_a_sqlite_without_full_text_search_is_named(index: LabelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_index, "_TABLE", label_index._TABLE.replace("fts5(", "fts99("))
    with pytest.raises(CollectionError, match=f"the SQLite {sqlite3.sqlite_version} of this Python has no full-text"):
        LabelIndex(index.table)
