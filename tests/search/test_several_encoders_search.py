"""Search with several encoders: by one, by the selected one, by all fused; and their comparison."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim import EncoderError, Part, Query, QueryError, build_collection, open_collection, open_source
from artsim.collection import Collection
from artsim.encoders import load_encoder
from artsim.search.engine import allowed_works, make_space_queries, rank_space_queries
from artsim.search.query_vectors import QueryEmbedding

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

NAMES = ["dinov2", "clip"]


@pytest.fixture(scope="module")
def several(paintings: Path, clip: Any, checkpoint: Any, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """40 paintings; DINOv2 first, which has no text encoder, then CLIP, which has one."""
    folder = tmp_path_factory.mktemp("several") / "both"
    dino = load_encoder(str(checkpoint("dinov2")))
    return build_collection(open_source(f"folder:{paintings}"), [dino, clip], folder)


MODES: list[dict[str, Any]] = [
    {"encoder": "auto"},
    {"encoder": "fusion"},
    {"encoder": "fusion", "fusion": "reciprocal-rank"},
]


def ids(matches: Any) -> list[str]:
    return [match.id for match in matches]


def numbers_by_work(collection: Collection, query: Query) -> dict[str, float]:
    """The numbers that order the matches of a query, which become scores; best first."""
    state, embed = collection.state, QueryEmbedding(collection.encoder, collection.picture)
    space_queries, allowed = make_space_queries(state, query, embed), allowed_works(state, query)
    numbers, rows = rank_space_queries(state, space_queries, query, query.k, allowed)
    return {collection.ids[row]: float(number) for row, number in zip(rows, numbers, strict=True)}


def test_each_encoder_answers_as_if_it_were_alone(several: Collection, collection: Collection, paintings: Path) -> None:
    """`collection` is of the same paintings, by CLIP alone."""
    for query in ({"work": "05.jpg"}, {"image": paintings / "07.jpg"}, {"text": "a horse", "text_mode": "meaning"}):
        alone, among = collection.search(**query), several.search(**query, encoder="clip")
        assert ids(alone) == ids(among)
        assert [match.score for match in alone] == pytest.approx([match.score for match in among], abs=1e-4)
        assert {match.encoder for match in (*alone, *among)} == {"clip"}


def test_an_encoder_may_be_named_by_its_id(several: Collection, checkpoint: Any) -> None:
    by_id = several.search(work="05.jpg", encoder=str(checkpoint("clip")))
    assert by_id == several.search(work="05.jpg", encoder="clip")
    assert several.encoder("clip").id == several.encoder(str(checkpoint("clip"))).id == str(checkpoint("clip"))


def test_a_preferred_encoder_comes_first(several: Collection) -> None:
    opened = open_collection(several.folder)
    opened.prefer("clip")
    assert {match.encoder for match in opened.search(work="05.jpg")} == {"clip"}
    with pytest.raises(QueryError, match="There is no encoder 'clap'; there are clip, dinov2"):
        opened.prefer("clap")


def test_a_match_is_explained_with_the_encoder_that_found_it(several: Collection) -> None:
    match = several.search(work="05.jpg", encoder="clip", k=1)[0]
    explained = several.explain(match, work="05.jpg", regions=False)
    assert explained.match.encoder == "clip"
    assert explained.match.cosine == pytest.approx(match.cosine, abs=1e-5)


@pytest.mark.parametrize("options", MODES, ids=str)
def test_every_mode_keeps_to_filters_limits_and_the_query(several: Collection, options: Mapping[str, Any]) -> None:
    found = several.search(work="05.jpg", **options, where={"year": (1600, 1900)}, at_most={"artist": 1}, k=8)
    assert all(1600 <= match.work["year"] <= 1900 for match in found)
    artists = [match.work["artist"] for match in found]
    assert len(set(artists)) == len(artists) > 3
    assert "05.jpg" not in ids(found)
    assert [match.rank for match in found] == list(range(1, len(found) + 1))
    others = several.search(work="05.jpg", **options, other=["artist"], k=8)
    assert several.work("05.jpg")["artist"] not in [match.work["artist"] for match in others]
    assert several.search(work="05.jpg", **options, where={"year": (3000, 3001)}) == []


@pytest.mark.parametrize("options", MODES, ids=str)
def test_run_each_returns_matches_for_each_value(several: Collection, options: Mapping[str, Any]) -> None:
    query = Query((Part(work="05.jpg"),), {"style": 1.0}, k=2, **options)
    centuries = several.run_each(query, by="century", most=4)
    assert list(centuries) == sorted(centuries) and len(centuries) > 1
    answers = several.run_each(query, by="artist", most=4)
    assert len(answers) == 4
    for artist, matches in answers.items():
        assert 1 <= len(matches) <= 2
        assert {match.work["artist"] for match in matches} == {artist}
    key = "percentile" if options.get("fusion") else "score"
    values = [getattr(matches[0], key) for matches in answers.values()]
    assert values == sorted(values, reverse=True)
    if options["encoder"] == "auto":
        assert len({match.encoder for matches in answers.values() for match in matches}) == 1


@pytest.mark.parametrize("query", [{"work": "05.jpg"}, {"work": "30.jpg", "preset": "style"}])
def test_auto_selects_the_encoder_with_the_larger_margin(several: Collection, query: Mapping[str, Any]) -> None:
    compared = several.compare_encoders(**query)
    margins = {each.encoder: each.margin for each in compared.answers}
    assert compared.auto == max(margins, key=lambda name: margins[name])
    for k in (1, 10, 20):  # more answers change nothing
        assert several.search(**query, encoder="auto", k=k) == several.search(**query, encoder=compared.auto, k=k)


def test_the_margin_follows_its_definition(several: Collection) -> None:
    shares = {"subject": 0.25, "style": 0.75}
    compared = several.compare_encoders(work="05.jpg", aspects=shares)
    for each in compared.answers:
        statistics = next(space.statistics for space in several.state.spaces if space.name == each.encoder)
        columns = [statistics.aspects.index("subject"), statistics.aspects.index("style")]
        pairs = statistics.pairs[:, columns] @ [0.25, 0.75]
        likeness = [0.25 * m.aspects["subject"] + 0.75 * m.aspects["style"] for m in each.matches[:5]]
        spread = 1.4826 * np.median(np.abs(pairs - np.median(pairs)))
        assert each.margin == pytest.approx((np.mean(likeness) - np.median(pairs)) / spread, rel=1e-3)


def test_the_mean_cosine_rule_selects_the_higher_mean_cosine(several: Collection) -> None:
    for work in several.ids[:3]:
        means = {
            name: np.mean([match.cosine for match in several.search(work=work, encoder=name, k=4)]) for name in NAMES
        }
        best = max(means, key=lambda name: means[name])
        found = several.search(work=work, encoder="auto", auto="mean-cosine", k=4)
        assert {match.encoder for match in found} == {best}


@pytest.mark.parametrize("ranking", ["tuned", "likeness", "cosine"])
@pytest.mark.parametrize("fusion", ["weighted", "reciprocal-rank"])
def test_a_fusion_of_one_encoder_equals_that_encoder(several: Collection, fusion: Any, ranking: Any) -> None:
    alone = several.search(work="05.jpg", encoder="clip", ranking=ranking)
    fused = several.search(
        work="05.jpg", encoder="fusion", fusion=fusion, ranking=ranking, encoder_weights={"dinov2": 0}
    )
    assert fused == alone


def test_reciprocal_ranks_fuse_the_rankings_of_the_encoders(several: Collection) -> None:
    rankings = [ids(several.search(work="05.jpg", encoder=name, k=39)) for name in NAMES]
    scores = {work: sum(1 / (61 + ranking.index(work)) for ranking in rankings) for work in rankings[0]}
    query = Query((Part(work="05.jpg"),), encoder="fusion", fusion="reciprocal-rank", k=39)
    assert numbers_by_work(several, query) == pytest.approx(scores)
    assert ids(several.run(query)) == list(numbers_by_work(several, query))


def test_the_weighted_fusion_adds_up_calibrated_likenesses(several: Collection) -> None:
    query = {"work": "05.jpg", "ranking": "likeness", "aspects": {"style": 1.0}, "k": 39}
    shares, likeness = [], []
    for name, space in zip(NAMES, several.state.spaces, strict=True):
        pairs = space.statistics.pairs[:, space.statistics.aspects.index("style")]
        shares.append(1 / np.median(np.abs(pairs - np.median(pairs))))
        likeness.append({match.id: match.aspects["style"] for match in several.search(**query, encoder=name)})
    by_hand = {
        work: sum(share * each[work] for share, each in zip(shares, likeness, strict=True)) / sum(shares)
        for work in likeness[0]
    }
    fused = Query((Part(work="05.jpg"),), {"style": 1.0}, ranking="likeness", encoder="fusion", k=39)
    assert numbers_by_work(several, fused) == pytest.approx(by_hand, abs=1e-5)


def test_a_fused_match_has_the_figures_of_the_encoder_it_names(several: Collection) -> None:
    fused = several.search(work="05.jpg", encoder="fusion", k=39)
    assert {match.encoder for match in fused} == set(NAMES)
    single = {name: {m.id: m for m in several.search(work="05.jpg", encoder=name, k=39)} for name in NAMES}
    for match in fused:
        own = single[match.encoder][match.id]
        assert match.cosine == pytest.approx(own.cosine, abs=1e-5)
        assert match.percentile == pytest.approx(own.percentile, abs=0.5)  # of 780 pairs, one may be a rounding away


@pytest.mark.parametrize("encoder", [None, "auto", "fusion"])
@pytest.mark.parametrize("query", [{"text": "a horse"}, {"text": "a horse", "work": "05.jpg"}])
def test_texts_are_given_to_text_encoders_only(several: Collection, encoder: str | None, query: Any) -> None:
    assert several.search(**query, encoder=encoder) == several.search(**query, encoder="clip")


def test_two_text_encoders_are_fused(paintings: Path, clip: Any, checkpoint: Any, tmp_path: Path) -> None:
    siglip = load_encoder(str(checkpoint("siglip")))
    both = build_collection(open_source(f"folder:{paintings}"), [clip, siglip], tmp_path / "out", limit=12)
    rankings = [
        ids(both.search(text="a horse", encoder=name, k=12, text_mode="meaning")) for name in ("clip", "siglip")
    ]
    for query in ({"text": "a horse"}, {"text": "a horse", "work": "05.jpg"}):
        for options in MODES:
            assert len(both.search(**query, **options, k=11)) == 11
    query = Query((Part(text="a horse"),), encoder="fusion", fusion="reciprocal-rank", k=12, text_mode="meaning")
    best = max(numbers_by_work(both, query).values())
    assert best == pytest.approx(max(sum(1 / (61 + r.index(w)) for r in rankings) for w in rankings[0]))


def test_encoders_are_compared_side_by_side(several: Collection, paintings: Path) -> None:
    compared = several.compare_encoders(paintings / "07.jpg", k=6)
    assert [each.encoder for each in compared.answers] == NAMES
    for each in compared.answers:
        assert list(each.matches) == several.search(image=paintings / "07.jpg", encoder=each.encoder, k=6)
        cosine = [match.cosine for match in each.matches]
        angular = [match.angular_distance for match in each.matches]
        assert (each.cosine_mean, each.cosine_std) == pytest.approx((np.mean(cosine), np.std(cosine)))
        assert (each.angular_mean, each.angular_std) == pytest.approx((np.mean(angular), np.std(angular)))
    first, second = (set(ids(each.matches)) for each in compared.answers)
    assert set(compared.shared["dinov2", "clip"]) == first & second
    assert compared.jaccard("dinov2", "clip") == pytest.approx(len(first & second) / len(first | second))
    assert compared["clip"] is compared.answers[1]
    with pytest.raises(QueryError, match="There is no result of the encoder 'embedded'"):
        compared["embedded"]
    with pytest.raises(QueryError, match="No work matches the filters"):
        several.compare_encoders(work="05.jpg", where={"year": (3000, 3001)})


def test_a_single_encoder_works_in_every_mode(collection: Collection) -> None:
    compared = collection.compare_encoders(work="05.jpg", k=3)
    assert (compared.auto, compared.mean_cosine, dict(compared.shared)) == ("clip", "clip", {})
    assert collection.search(work="05.jpg", encoder="auto") == collection.search(work="05.jpg")
    assert collection.search(work="05.jpg", encoder="fusion") == collection.search(work="05.jpg")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "clap"}, "There is no encoder 'clap'; there are dinov2, clip"),
        ({"encoder": "auto", "auto": "luck"}, "There is no rule 'luck' to select an encoder; choose among margin"),
        ({"encoder": "fusion", "fusion": "sum"}, "There is no fusion 'sum'; choose among weighted, reciprocal-rank"),
        ({"encoder": "fusion", "encoder_weights": {"clap": 1}}, "There is no encoder 'clap'"),
        ({"encoder": "fusion", "encoder_weights": {"clip": -1}}, "must be a number of 0 or more; that of clip is -1"),
        ({"encoder": "fusion", "encoder_weights": {"clip": "much"}}, "must be a number of 0 or more"),
        ({"encoder": "fusion", "encoder_weights": {"clip": 0, "dinov2": 0}}, "All weights of encoders are 0"),
    ],
)
def test_invalid_options_raise_a_one_line_error(several: Collection, options: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        several.search(work="05.jpg", **options)


def test_texts_are_refused_without_a_text_encoder(paintings: Path, checkpoint: Any, tmp_path: Path) -> None:
    encoders = [load_encoder(str(checkpoint(name))) for name in ("dinov2", "resnet")]
    pictures_only = build_collection(open_source(f"folder:{paintings}"), encoders, tmp_path / "out", limit=5)
    for encoder in (None, "auto", "fusion"):
        with pytest.raises(EncoderError, match=r"None of the encoders .* \(dinov2, resnet\) embeds text"):
            pictures_only.search(text="a horse", encoder=encoder, text_mode="meaning")
