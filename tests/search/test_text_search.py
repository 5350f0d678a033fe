"""A text alone: works by their labels first, then works that look like it, within the limits of the query."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from artsim import Collection, EncoderError, Part, Query, QueryError, build_collection, open_collection, open_source
from artsim.encoders import load_encoder


@pytest.fixture(scope="module")
def artist(collection: Collection) -> str:
    """The artist of most works."""
    return Counter(collection.state.table.column("artist").to_pylist()).most_common(1)[0][0]


@pytest.fixture(scope="module")
def pictures_only(paintings: Path, checkpoint: Any, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Five works of an encoder that embeds no texts."""
    folder = tmp_path_factory.mktemp("pictures-only")
    return build_collection(
        open_source(f"folder:{paintings}"), load_encoder(str(checkpoint("dinov2"))), folder, limit=5
    )


def of(matches: Any, found_by: str) -> list[Any]:
    return [match for match in matches if match.found_by == found_by]


def test_matches_by_label_come_first_and_have_no_likeness(collection: Collection, artist: str) -> None:
    matches = collection.search(text=artist.upper(), k=40)
    labels, alike = of(matches, "label"), of(matches, "likeness")
    assert matches == labels + alike and [match.rank for match in matches] == list(range(1, 41))
    assert sorted(match.row for match in matches) == list(range(40))
    assert {match.work["artist"] for match in labels} == {artist}
    for match in labels:
        assert (
            match.score
            is match.cosine
            is match.percentile
            is match.angular_distance
            is match.word
            is match.close
            is None
        )
    scores = [match.score for match in alike]
    assert scores == sorted(scores, reverse=True)
    meaning = collection.search(text=artist.upper(), k=40, text_mode="meaning")
    rows = {match.row for match in labels}
    assert [match.row for match in alike] == [match.row for match in meaning if match.row not in rows]
    assert collection.search(text=artist, k=40, text_mode="metadata") == labels


def test_filters_and_limits_hold_for_the_whole_list(collection: Collection, artist: str) -> None:
    at_most = collection.search(text=artist, k=40, at_most={"artist": 1})
    artists = [match.work["artist"] for match in at_most if match.work["artist"]]
    assert len(artists) == len(set(artists)) and at_most[0].found_by == "label" and len(of(at_most, "label")) == 1
    assert len(artists) == len(set(collection.state.table.column("artist").to_pylist()) - {None, ""})
    late = collection.search(text=artist, k=40, where={"year": (1600, None)})
    assert all(match.work["year"] >= 1600 for match in late)
    assert collection.search(text=artist, k=3) == collection.search(text=artist, k=40)[:3]


def test_with_pictures_and_works_a_text_is_a_direction(collection: Collection, artist: str) -> None:
    for more in ({"work": "05.jpg"}, {"parts": (Part(text="night", weight=-0.5),)}):
        assert of(collection.search(text=artist, k=9, **more), "label") == []
        with pytest.raises(QueryError, match="one text alone"):
            collection.search(text=artist, text_mode="metadata", **more)
    with pytest.raises(QueryError, match=r"no mode 'words' .* auto, metadata, meaning"):
        collection.search(text=artist, text_mode="words")  # type: ignore[arg-type]


def test_an_encoder_for_pictures_finds_labels_only(pictures_only: Collection) -> None:
    work = pictures_only.work("03.jpg")
    for encoder in (None, "auto", "fusion", "dinov2"):
        matches = pictures_only.search(text=work["title"], encoder=encoder)
        assert matches[0].id == "03.jpg" and of(matches, "likeness") == []
    assert pictures_only.search(text="zyzzyva") == [] == pictures_only.search(text="?!")
    with pytest.raises(EncoderError, match="embeds pictures, not text"):
        pictures_only.search(text=work["title"], text_mode="meaning")
    by = pictures_only.run_each(Query((Part(text=work["title"]),)), by="artist")
    assert next(iter(by.values()))[0].id == "03.jpg"


def test_an_encoder_that_cannot_be_loaded_is_an_error_only_if_no_label_matches(saved: Path) -> None:
    collection = open_collection(saved)
    space = replace(collection.state.spaces[0], encoder="/no/such/encoder")
    collection.state = replace(collection.state, spaces=(space,))
    title = collection.work("05.jpg")["title"]
    assert collection.search(text=title)[0].id == "05.jpg"
    with pytest.raises(EncoderError):
        collection.search(text="zyzzyva")


def test_groups_begin_with_their_matches_by_label(collection: Collection, artist: str) -> None:
    groups = collection.run_each(Query((Part(text=artist),), k=3), by="artist", most=4)
    assert next(iter(groups)) == artist and len(groups) == 4
    assert all(match.work["artist"] == value and len(found) <= 3 for value, found in groups.items() for match in found)
    assert groups[artist][0].found_by == "label"
    centuries = list(collection.run_each(Query((Part(text=artist),), k=3), by="century"))
    assert centuries == sorted(centuries)


def test_labels_follow_every_change(copy: Path, met_works: Any) -> None:
    collection = open_collection(copy)
    assert collection.search(text="zyzzyva", text_mode="metadata") == []
    collection.edit("05.jpg", {"title": "Zyzzyva"})
    [new] = collection.add([{"image": met_works[60]["image"]["bytes"], "title": "Two zyzzyvas"}])
    assert [match.id for match in collection.search(text="zyzzyva", text_mode="metadata")] == ["05.jpg", new]
    assert [value.text for value in collection.suggest("zyz")] == ["Zyzzyva", "Two zyzzyvas"]
    collection.remove(["05.jpg"])
    assert [match.id for match in collection.search(text="zyzzyva", text_mode="metadata")] == [new]
    for search in (collection.suggest, lambda text: collection.search(text=text)):
        with pytest.raises(QueryError, match="must be a string; it is int"):
            search(5)
    with pytest.raises(QueryError, match="from 1 to 100; it is 0"):
        collection.suggest("zyz", 0)
