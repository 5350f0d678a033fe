"""Scores are in 0..1, never increase, and say the same for every ranking, weights, encoder and collection."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import make_collection

from artsim import Collection, Match, Part, Query, open_collection
from artsim.encoders import load_encoder
from artsim.encoders.protocol import ASPECTS
from artsim.errors import QueryError
from artsim.search.calibration import Scale, at_places, calibration_of
from artsim.search.match import CLOSE, WORDS, word_of
from artsim.snapshot.calibration import REFIT_UP_TO, Calibration

RANDOM = [dict(zip(ASPECTS, np.random.default_rng(seed).dirichlet([0.5] * 4).tolist(), strict=True)) for seed in (1, 2)]
SETTINGS: list[dict[str, Any]] = [
    {"preset": "balanced"},
    {"preset": "same-work"},
    {"ranking": "likeness"},
    {"ranking": "cosine"},
]
LIFTED: list[dict[str, Any]] = [
    *({"preset": preset} for preset in ("style", "subject", "color")),
    *({"aspects": weights} for weights in RANDOM),
]
"""Diffusion is measured at balanced weights, and taken to be as much at these."""
SEVERAL: list[dict[str, Any]] = [
    {"encoder": "fusion"},
    {"encoder": "fusion", "aspects": RANDOM[0], "encoder_weights": {"space-1": 3}},
    {"encoder": "fusion", "fusion": "reciprocal-rank"},
    {"encoder": "auto"},
]


@pytest.fixture(scope="module")
def works() -> Collection:
    """420 works in two compact spaces."""
    return make_collection(artists=60, works=7, spaces=2)


def check(matches: Sequence[Match]) -> None:
    assert matches
    scores = [match.score for match in matches]
    assert all(0 <= score <= 1 for score in scores)
    assert all(first >= second for first, second in itertools.pairwise(scores))
    for match in matches:
        assert match.word == word_of(match.score) and match.close == (match.score >= CLOSE)


def scores_of_first(works: Collection, setting: dict[str, Any]) -> np.ndarray:
    """The scores of what works find first."""
    first = []
    for identity in works.ids[::14]:
        matches = works.search(work=identity, k=10, **setting)
        check(matches)
        first += [match.score for match in matches]
    assert works.search(work=identity, k=10, **setting) == matches, "the same query has the same scores"
    return np.array(first)


@pytest.mark.parametrize("setting", [*SETTINGS, *LIFTED, *SEVERAL], ids=str)
def test_few_of_the_works_that_works_find_first_are_very_similar(works: Collection, setting: dict[str, Any]) -> None:
    """One of twenty, and half are similar, at most; of synthetic works in sharp clusters, by a sample, somewhat more."""
    scores = scores_of_first(works, setting)
    assert (scores >= WORDS["very similar"]).mean() <= 0.1
    assert (scores >= WORDS["similar"]).mean() <= 0.6
    assert scores.max() > 2 * scores.min()


def test_two_works_have_the_same_score_among_all_works_and_among_a_few(works: Collection) -> None:
    """By the way to the very picture, which does not depend on how many works there are; by place, in sharp clusters, less."""
    (first, *_), few = works.state.spaces, Collection(state=works.state, manifest=works.manifest, folder=None)
    few.remove([identity for number, identity in enumerate(works.ids) if number % 7 > 1])
    changes = []
    for identity in few.ids[::6]:
        (match,) = few.search(work=identity, k=1, ranking="likeness", encoder=first.name)
        (same,) = works.search(work=identity, k=1, ranking="likeness", encoder=first.name, where={"id": match.id})
        changes.append(match.score - same.score)
    assert np.median(np.abs(changes)) < 0.01 and np.abs(changes).max() < 0.25


def test_all_kinds_of_queries_have_scores(works: Collection) -> None:
    one, other, third = works.ids[3], works.ids[100], works.ids[200]
    check(works.search(parts=[Part(work=one), Part(work=other, weight=2), Part(work=third, weight=-0.5)], k=400))
    check(works.search(work=one, where={"style": "Realism"}, at_most={"artist": 1}, k=50))
    for matches in works.run_each(Query((Part(work=one),), k=4), by="artist").values():
        check(matches)
    for matches in works.search_many(works=[one, other], k=9):
        check(matches)
    check(works.search_many(vectors=works.state.spaces[0].plain(np.array([5])), k=9)[0])


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10])
def test_a_few_works_have_scores_that_do_not_overstate(count: int) -> None:
    few = make_collection(artists=1, works=count)
    (space,) = few.state.spaces
    own = few.search_many(vectors=space.plain(np.arange(count)), k=count)
    assert all(matches[0].score > 0.99 for matches in own), "a work and its own picture"
    for matches in own:
        check(matches)
        assert all(match.word != "very similar" for match in matches[1:])
    for identity in few.ids if count > 1 else ():
        for setting in ({}, {"ranking": "likeness"}, {"ranking": "cosine"}, {"preset": "color"}):
            check(few.search(work=identity, **setting))
            assert few.search(work=identity, **setting)[0].word != "very similar"


def test_a_least_score_cuts_the_list_where_it_falls(works: Collection) -> None:
    all_of_them = works.search(work=works.ids[3], k=20)
    least = all_of_them[7].score
    cut = works.search(work=works.ids[3], k=20, min_score=least)
    assert cut == [match for match in all_of_them if match.score >= least]
    assert 8 <= len(cut) < 20
    query = Query((Part(work=works.ids[3]),), k=3, min_score=least)
    assert all(match.score >= least for matches in works.run_each(query, by="century").values() for match in matches)
    for wrong in (1.1, -0.1, math.nan, "0.5", True):
        with pytest.raises(QueryError, match="min_score must be a number from 0 to 1"):
            works.search(work=works.ids[3], min_score=wrong)  # type: ignore[arg-type]


def test_texts_alone_and_with_pictures_have_scores(collection: Collection) -> None:
    for query in ({"text": "a horse", "text_mode": "meaning"}, {"text": "a horse", "work": "05.jpg"}):
        for setting in ({}, {"ranking": "cosine"}, {"ranking": "likeness"}, {"aspects": RANDOM[0]}):
            matches = collection.search(**query, **setting, k=39)
            check(matches)
            assert matches[0].score > matches[-1].score


def test_scores_stay_when_saved_and_opened_and_follow_the_works(
    collection: Collection, paintings: Path, clip: Any, tmp_path: Path
) -> None:
    copy = open_collection(collection.folder)
    before = copy.search(work="05.jpg", k=39)
    copy.save(tmp_path / "copy")
    opened = open_collection(tmp_path / "copy")
    assert opened.state.spaces[0].calibration is not None
    assert [match.score for match in opened.search(work="05.jpg", k=39)] == [match.score for match in before]
    opened.remove(opened.ids[20:])
    check(opened.search(work="05.jpg", k=19))
    opened.add([{"id": "new", "image": paintings / "30.jpg"}])
    matches = opened.search(work="new", k=20)
    check(matches)
    assert opened.search(image=paintings / "30.jpg", k=1)[0].score > 0.99
    opened.save()
    again = open_collection(tmp_path / "copy").search(work="new", k=20)
    assert [match.score for match in again] == pytest.approx([match.score for match in matches])


def test_the_calibration_of_many_works_follows_their_rows() -> None:
    n, none = REFIT_UP_TO + 500, np.zeros(0, np.float32)
    near = np.stack([np.arange(0, n, 50) + 1, np.arange(0, n, 50) + 2], axis=1)
    calibration = Calibration(np.arange(0, n, 50), near, none, none, 1.0, 0.5, n)
    rows = np.setdiff1d(np.arange(n), [100, 151])
    kept = calibration.only(rows, n)
    assert kept is not None
    assert rows[kept.works].tolist() == [row for row in range(0, n, 50) if row != 100]
    assert np.where(kept.near < 0, -1, rows[kept.near])[:4].tolist() == [[1, 2], [51, 52], [-1, 152], [201, 202]]
    assert calibration.only(np.arange(REFIT_UP_TO), n) is None, "few works are calibrated anew"
    assert calibration.outgrown_by(2 * n) and not calibration.outgrown_by(n + 100)


def test_a_changed_collection_is_calibrated_as_if_it_were_new() -> None:
    whole = make_collection(artists=60, works=7)
    (space,) = whole.state.spaces
    calibration_of(space)
    kept = space.only(np.arange(50, 420))
    fresh = dataclasses.replace(kept, calibration=None)
    assert calibration_of(kept).familiar == calibration_of(fresh).familiar


def test_a_scale_without_differences_is_a_scale() -> None:
    for numbers, identical in ((np.zeros(0), 0.0), (np.ones(4), 1.0)):
        scores = Scale.of(at_places(numbers), len(numbers), identical, 0.0).of_numbers(np.linspace(2, -2, 9))
        assert ((scores >= 0) & (scores <= 1)).all() and (np.diff(scores) <= 0).all()


def test_a_score_is_the_way_to_the_very_picture_as_far_as_its_place_allows() -> None:
    compared = 0.7 * np.linspace(0, 1, 1000) ** 3
    scale = Scale.of(at_places(compared), 1000, 1.0, 0.0)
    assert scale.of_numbers(np.array([1.0, 0.5, 0.4])) == pytest.approx([1, 0.5, 0.4], abs=0.02)
    near = Scale.of(at_places(0.7 + compared / 4), 1000, 1.0, 0.0)
    assert near.of_numbers(np.quantile(0.7 + compared / 4, [0.95, 0.5])) == pytest.approx([0.6, 0.3], abs=0.02), (
        "a cone"
    )
    ranks = Scale.of(at_places(np.repeat([1.0, 2.0], 100)), 200, 4.0)
    assert ranks.of_numbers(np.array([2.0]))[0] < WORDS["very similar"], "equal numbers are not lower than one another"


@pytest.mark.slow
def test_two_encoders_score_alike(paintings: Path, clip: Any, checkpoint: Any, embedded: Any, tmp_path: Path) -> None:
    from artsim import build_collection, open_source

    siglip = load_encoder(str(checkpoint("siglip")))
    both = build_collection(open_source(f"folder:{paintings}"), [embedded, clip, siglip], tmp_path / "both", limit=20)
    settings: list[dict[str, Any]] = [{"encoder": name} for name in ("embedded", "clip", "fusion", "auto")]
    settings.append({"encoder": "fusion", "fusion": "reciprocal-rank"})
    for setting in settings:
        for query in ({"work": "05.jpg"}, {"image": paintings / "33.jpg"}, {"text": "a horse", "text_mode": "meaning"}):
            if "text" in query and setting["encoder"] == "embedded":
                continue
            matches = both.search(**query, **setting, k=19)
            check(matches)
            assert both.search(**query, **setting, k=19) == matches
