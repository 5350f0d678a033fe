"""Search: the right works, in the right order, with scores that can be recomputed by hand."""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim import PRESETS, Part, QueryError
from artsim.encoders import ASPECTS, embed
from artsim.encoders.presets import PRESETS_OF_OTHERS, presets_of
from artsim.encoders.protocol import unit_rows
from artsim.images.decode import load_image
from artsim.images.geometry import crop_region
from artsim.search.diffusion import join_nearest


@pytest.fixture(scope="module")
def raw(collection: Any) -> Any:
    """The raw vectors of all works, from the dataset's columns."""
    blocks = collection.state.spaces[0].raw_blocks()
    return {aspect: block.all().astype(np.float32) for aspect, block in blocks.items()}


def query_by_hand(collection: Any, raw: Any, row: int, weights: dict[str, float]) -> np.ndarray:
    """(n,): the weighted mean of the aspects' cosines of one work with all."""
    statistics = collection.state.spaces[0].statistics
    blocks = statistics.split(statistics.index_vectors(raw))
    total = sum(weights.values())
    return sum(weight / total * (blocks[aspect] @ blocks[aspect][row]) for aspect, weight in weights.items())


def ids(matches: Any) -> list[str]:
    return [match.id for match in matches]


def test_likeness_is_the_weighted_mean_of_the_aspects_cosines(collection: Any, raw: Any) -> None:
    weights = {"subject": 0.2, "style": 0.5, "color": 3.0}
    by_hand = query_by_hand(collection, raw, 5, weights)
    by_hand[5] = -np.inf
    matches = collection.search(work="05.jpg", aspects=weights, k=39, ranking="likeness")
    assert [match.row for match in matches] == np.argsort(-by_hand, kind="stable")[:39].tolist()
    for match in matches:
        weighted = sum(w * match.aspects[a] for a, w in weights.items()) / sum(weights.values())
        assert weighted == pytest.approx(by_hand[match.row], abs=1e-4)


def test_a_balanced_search_follows_the_style_statistics_of_the_embedded_encoder_and_the_embedding_of_others() -> None:
    assert presets_of("embedded", "efficientnet-lite0-1")["balanced"] == {**PRESETS["balanced"]}
    assert presets_of("/a/folder", "finetuned-1")["balanced"]["style"] == 0.8
    others = presets_of("openai/clip-vit-base-patch16", "57c2164")
    assert (others["balanced"]["subject"], others["balanced"]["style"]) == (0.8, 0.2)
    assert others["style"] == PRESETS["style"]


def test_joined_works_are_compared_by_the_sum_of_each_and_its_two_nearest() -> None:
    vectors = unit_rows(np.random.default_rng(0).standard_normal((7, 5)) + 1)
    scores, joined = vectors @ vectors.T, vectors.copy()
    for row in range(7):
        for other in sorted({*range(1, 7)} - {row}, key=lambda other: -scores[row, other])[:2]:
            joined[row] += max(scores[row, other], 0) ** 2 * vectors[other]
    joined = unit_rows(joined)
    np.testing.assert_allclose(join_nearest(scores), joined @ joined.T, atol=1e-5)


def test_tuned_numbers_start_from_the_likeness_less_the_density(collection: Any, raw: Any) -> None:
    """CSLS, before diffusion reranks the best."""
    from artsim.search.ranking import order_tuned

    (space,) = collection.state.spaces
    shares = space.statistics.weigh(PRESETS["balanced"])
    likeness = query_by_hand(collection, raw, 5, dict(PRESETS["balanced"]))
    found = order_tuned(space, shares, np.arange(40), likeness, diffused=False)
    np.testing.assert_allclose(found, 2 * likeness - space.density.all() @ shares, atol=1e-5)


def test_cosine_ranking_is_the_plain_cosine_of_raw_subject_vectors(collection: Any, raw: Any) -> None:
    by_hand = raw["subject"] @ raw["subject"][5]
    by_hand[5] = -2
    matches = collection.search(work="05.jpg", ranking="cosine", k=39)
    assert [match.row for match in matches] == np.argsort(-by_hand, kind="stable")[:39].tolist()
    np.testing.assert_allclose([match.cosine for match in matches], np.sort(by_hand)[::-1][:39], atol=1e-5)


@pytest.mark.parametrize("ranking", ["tuned", "likeness", "cosine"])
def test_every_match_carries_all_its_scores(ranking: Any, collection: Any, raw: Any) -> None:
    matches = collection.search(work="05.jpg", k=39, ranking=ranking)
    assert [match.rank for match in matches] == list(range(1, 40))
    assert sorted(ids(matches)) == [identity for identity in collection.ids if identity != "05.jpg"]
    assert all(a.score >= b.score for a, b in itertools.pairwise(matches))
    for match in matches:
        assert match.cosine == pytest.approx(float(raw["subject"][match.row] @ raw["subject"][5]), abs=1e-5)
        assert match.angular_distance == pytest.approx(math.sqrt(2 * (1 - match.cosine)), abs=1e-6)
        assert tuple(match.aspects) == tuple(match.aspect_percentiles) == ASPECTS
        assert all(0 <= value <= 100 for value in (match.percentile, *match.aspect_percentiles.values()))
        assert match.work["id"] == match.id == collection.ids[match.row]
        assert match.work["title"]


def test_percentiles_rise_with_likeness_and_are_calibrated(collection: Any) -> None:
    likeness, percentiles = [], []
    for identity in collection.ids:
        for match in collection.search(work=identity, preset="balanced", k=39, ranking="likeness"):
            likeness.append(
                sum(weight * match.aspects[aspect] for aspect, weight in PRESETS_OF_OTHERS["balanced"].items())
            )
            percentiles.append(match.percentile)
    order = np.argsort(likeness)
    one_pair = 100 / (40 * 39 / 2)  # a pair counts as itself or not, by the last digit of its cosine
    assert np.diff(np.array(percentiles)[order]).min() >= -1.01 * one_pair
    assert np.mean(percentiles) == pytest.approx(50, abs=1)  # all pairs of works are uniform on their own quantiles


def test_the_first_matches_are_close_and_the_last_are_not(collection: Any) -> None:
    found = [collection.search(work=identity, k=39, ranking="likeness") for identity in collection.ids[::4]]
    assert any(matches[0].close for matches in found)
    assert not any(matches[-1].close for matches in found)


def test_a_work_of_the_collection_is_nearest_to_its_own_picture(collection: Any, paintings: Path) -> None:
    for source in (paintings / "11.jpg", str(paintings / "11.jpg"), (paintings / "11.jpg").read_bytes()):
        match = collection.search(image=source, k=1)[0]
        assert match.id == "11.jpg"
        assert match.cosine == pytest.approx(1, abs=1e-4)
        assert all(value == pytest.approx(1, abs=1e-3) for value in match.aspects.values())
    assert collection.search(image=load_image(paintings / "11.jpg"), k=1)[0].id == "11.jpg"


def test_the_work_of_the_query_is_excluded(collection: Any) -> None:
    assert "11.jpg" not in ids(collection.search(work="11.jpg", k=40))
    assert len(collection.search(work="11.jpg", k=1000)) == 39
    two = collection.search(parts=[Part(work="11.jpg"), Part(work="12.jpg", weight=-0.5)], k=40)
    assert len(two) == 38
    assert not {"11.jpg", "12.jpg"} & set(ids(two))


def test_presets_are_aspect_weights_with_a_name(collection: Any) -> None:
    def by(**options: Any) -> list[str]:
        return ids(collection.search(work="05.jpg", **options))

    assert set(PRESETS) == {"balanced", "style", "subject", "color", "same-work"}
    for preset, weights in PRESETS_OF_OTHERS.items():  # a tiny CLIP
        assert by(preset=preset, ranking="cosine") == by(aspects=weights, ranking="cosine")
        assert by(preset=preset, ranking="likeness") == by(aspects=weights, ranking="likeness")
    assert by() == by(preset="balanced") == by(aspects=PRESETS_OF_OTHERS["balanced"])
    assert by(preset="same-work") == by(aspects=PRESETS["same-work"], ranking="likeness")
    assert by(preset="color") != by(preset="subject")


@pytest.mark.parametrize("ranking", ["tuned", "likeness", "cosine"])
def test_filters_apply_before_the_top_k(ranking: Any, collection: Any) -> None:
    """k works are returned if k exist, however far down the ranking they are."""
    everything = collection.search(work="05.jpg", k=39, ranking=ranking)
    last = sorted(match.work["year"] for match in everything[-10:] if match.work["year"] is not None)
    low, high = last[0], last[-1]
    left = [match.id for match in everything if match.work["year"] is not None and low <= match.work["year"] <= high]
    found = ids(collection.search(work="05.jpg", where={"year": (low, high)}, k=len(left), ranking=ranking))
    assert sorted(found) == sorted(left)
    assert ranking == "tuned" or found == left  # diffusion depends on the other candidates
    for query in ({"work": "05.jpg"}, {"text": "a horse"}, {"work": "05.jpg", "text": "a horse"}):
        assert collection.search(**query, where={"artist": "Nobody"}, ranking=ranking) == []


def test_k_is_a_whole_number_from_1_to_1000(collection: Any) -> None:
    for k in (0, -1, 10_000, True, 2.5, "3", None):
        with pytest.raises(QueryError, match="k must be a whole number from 1 to 1000"):
            collection.search(work="05.jpg", k=k)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "nothing to search for"),
        ({"text": " \n\t"}, "The text to search for is empty"),
        ({"work": "gone.jpg"}, "There is no work 'gone.jpg' in this collection"),
        ({"work": "05.jpg", "preset": "mood"}, "There is no preset 'mood'; choose among balanced"),
        ({"work": "05.jpg", "preset": "style", "aspects": {"style": 1}}, "Give aspects or a preset, not both"),
        ({"work": "05.jpg", "ranking": "best"}, "There is no ranking 'best'; choose among tuned, likeness, cosine"),
        ({"parts": [Part(work="05.jpg", weight=-1)]}, "All parts of the query have a negative weight"),
        ({"parts": [Part(work="05.jpg", weight=0)]}, "must be a number other than 0"),
        ({"parts": [Part(work="05.jpg", weight=math.nan)]}, "must be a number other than 0"),
        ({"text": "a horse", "other": ["tpyo"]}, "There is no column 'tpyo' to group by"),
        ({"work": "05.jpg", "at_most": {"tpyo": 1}}, "There is no column 'tpyo' to group by"),
        ({"parts": [Part()]}, "exactly one of image, text and work"),
        ({"parts": [Part(work="05.jpg", text="a horse")]}, "exactly one of image, text and work"),
        ({"parts": [Part(work="05.jpg"), Part(work="05.jpg", weight=-1)]}, "for and against cancel out"),
        ({"parts": [Part(text="a horse"), Part(text="a horse", weight=-1)]}, "for and against cancel out"),
    ],
    ids=str,
)
def test_invalid_queries_raise_a_one_line_error(arguments: Any, reason: str, collection: Any) -> None:
    with pytest.raises(QueryError, match=reason) as error:
        collection.search(**arguments)
    assert "\n" not in str(error.value)


def test_a_text_is_compared_with_raw_subject_vectors(collection: Any, raw: Any, clip: Any) -> None:
    by_hand = raw["subject"] @ clip.embed_texts(["a horse in a river"])[0]
    for ranking in ("tuned", "cosine"):
        matches = collection.search(text="a horse in a river", k=40, ranking=ranking, text_mode="meaning")
        assert [match.row for match in matches] == np.argsort(-by_hand, kind="stable").tolist()
        np.testing.assert_allclose([match.cosine for match in matches], np.sort(by_hand)[::-1], atol=1e-5)
        assert all(0 <= match.percentile <= 100 for match in matches)
        assert [match.percentile for match in matches] == sorted((m.percentile for m in matches), reverse=True)


def test_texts_for_and_against_add_up(collection: Any, raw: Any, clip: Any) -> None:
    horse, night = clip.embed_texts(["a horse", "night"])
    by_hand = raw["subject"] @ unit_rows(horse - 0.5 * night)
    matches = collection.search(parts=[Part(text="a horse"), Part(text="night", weight=-0.5)], k=40)
    assert [match.row for match in matches] == np.argsort(-by_hand, kind="stable").tolist()


def test_pictures_for_and_against_add_up_aspect_by_aspect(collection: Any, raw: Any) -> None:
    statistics = collection.state.spaces[0].statistics
    blocks = statistics.split(statistics.index_vectors(raw))
    likeness = np.zeros(40)
    for share, block in zip(statistics.weigh(PRESETS_OF_OTHERS["balanced"]), blocks.values(), strict=True):
        likeness += share * (block @ unit_rows(block[4] + block[9] - 0.5 * block[20]))
    likeness[[4, 9, 20]] = -np.inf
    parts = [Part(work="04.jpg"), Part(work="09.jpg"), Part(work="20.jpg", weight=-0.5)]
    matches = collection.search(parts=parts, k=37, ranking="likeness")
    assert [match.row for match in matches] == np.argsort(-likeness, kind="stable")[:37].tolist()


def test_the_order_of_parts_does_not_matter(collection: Any, paintings: Path) -> None:
    parts = [Part(work="04.jpg"), Part(image=paintings / "30.jpg", weight=2), Part(text="a garden")]
    assert ids(collection.search(parts=parts)) == ids(collection.search(parts=parts[::-1]))


def test_a_picture_and_a_text_together_lie_between_the_two(collection: Any) -> None:
    """The better a work fits the text, the more it gains over the ranking by the picture alone."""
    words = {match.id: match.cosine for match in collection.search(text="a garden", k=40, text_mode="meaning")}
    alone = {match.id: match.rank for match in collection.search(work="05.jpg", k=39)}
    both = {match.id: match.rank for match in collection.search(work="05.jpg", text="a garden", k=39)}
    assert set(both) == set(alone)
    gains = [alone[identity] - both[identity] for identity in alone]
    assert np.corrcoef(gains, [words[identity] for identity in alone])[0, 1] > 0.5


def test_a_region_of_a_work_is_searched_as_a_picture_of_its_own(collection: Any, paintings: Path, clip: Any) -> None:
    region = (0.0, 0.0, 0.5, 0.6)
    detail = crop_region(load_image(paintings / "11.jpg"), region)
    by_hand = embed(clip, [detail])["subject"][0]
    space = collection.state.spaces[0]
    for found in (
        collection.search(work="11.jpg", region=region, k=5, ranking="cosine"),
        collection.search(image=paintings / "11.jpg", region=region, k=5, ranking="cosine"),
    ):
        for match in found:
            assert match.cosine == pytest.approx(float(space.plain(np.array([match.row]))[0] @ by_hand), abs=1e-4)
    assert "11.jpg" not in ids(collection.search(work="11.jpg", region=region, k=40))


def test_matches_can_exclude_and_limit_the_values_of_a_column(collection: Any) -> None:
    by_artist: dict[str, int] = {}
    for identity in collection.ids:
        by_artist[collection.work(identity)["artist"]] = by_artist.get(collection.work(identity)["artist"], 0) + 1
    artist = max(by_artist, key=lambda name: by_artist[name])
    assert by_artist[artist] > 1
    identity = next(i for i in collection.ids if collection.work(i)["artist"] == artist)
    found = collection.search(work=identity, other=["artist"], k=40)
    assert len(found) == 40 - by_artist[artist]
    assert artist not in {match.work["artist"] for match in found}
    varied = collection.search(work=identity, at_most={"artist": 1}, k=len(by_artist))
    artists = [match.work["artist"] for match in varied]
    assert len(artists) == len(set(artists)) > 5


def test_parallel_searches_return_the_same_matches(collection: Any, paintings: Path) -> None:
    def look(identity: str) -> list[str]:
        return ids(collection.search(image=paintings / identity, k=5))

    works = collection.ids[:8] * 3
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, works))  # at first, all of them are embedded at once
    assert [matches[0] for matches in found] == works
    assert found == [look(identity) for identity in works]
