"""Explanations: heat maps are hot where pictures correspond; words, colours and metadata fit the pictures."""

from typing import Any

import numpy as np
import pytest
from odd_pictures import encode
from overlap import intersection_over_union
from PIL import Image, ImageEnhance

from artsim import draw_overlay
from artsim.analysis.correspondence import embed_places, find_correspondence
from artsim.analysis.explain import Explanation, shared_metadata, step_of
from artsim.encoders import load_encoder
from artsim.encoders.protocol import unit_rows
from artsim.errors import ImageError, QueryError
from artsim.images.decode import load_image
from artsim.images.geometry import crop_region

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def explanation(collection: Any) -> Explanation:
    """The explanation of the best match of the first work."""
    first = collection.ids[0]
    return collection.explain(collection.search(work=first, k=1)[0], work=first)


def peak(heat: np.ndarray) -> tuple[float, float]:
    """(x, y) of the hottest place, in 0..1."""
    y, x = np.unravel_index(int(heat.argmax()), heat.shape)
    return (float(x) + 0.5) / heat.shape[1], (float(y) + 0.5) / heat.shape[0]


def lies_in(point: tuple[float, float], box: Box) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def pasted(detail: Image.Image, picture: Image.Image, box: Box) -> Image.Image:
    """The detail, faded and as a poor JPEG, inside a box of another picture."""
    faded = ImageEnhance.Color(ImageEnhance.Brightness(detail).enhance(0.85)).enhance(0.6)
    poor = load_image(encode(faded, "JPEG", quality=40))
    left, top, right, bottom = (
        round(edge * side) for edge, side in zip(box, (*picture.size, *picture.size), strict=True)
    )
    result = picture.copy()
    result.paste(poor.resize((right - left, bottom - top)), (left, top))
    return result


# The head and hands of Vermeer's woman with a water pitcher into a hanging scroll, El Greco's cardinal into a landscape.
@pytest.mark.parametrize(
    ("source", "detail", "target", "place"),
    [
        ("437881", (0.25, 0.15, 0.8, 0.65), "36029", (0.1, 0.5, 0.9, 0.8)),
        ("436573", (0.2, 0.05, 0.8, 0.45), "36131", (0.05, 0.1, 0.5, 0.75)),
    ],
)
def test_a_detail_pasted_into_another_picture_is_hot_in_both(
    met: Any, embedded: Any, source: str, detail: Box, target: str, place: Box
) -> None:
    original = met(source)
    collage = pasted(crop_region(original, detail), met(target), place)
    found = find_correspondence(embed_places(embedded, original), embed_places(embedded, collage))
    assert lies_in(peak(found.first), detail)
    assert lies_in(peak(found.second), place)
    assert intersection_over_union(found.pairs[0].first, detail) > 0.25
    assert intersection_over_union(found.pairs[0].second, place) > 0.25


def test_a_copy_corresponds_in_the_same_places_and_another_work_hardly_at_all(met: Any, embedded: Any) -> None:
    original = met("437881")
    left, top, right, bottom = window = (0.1, 0.1, 0.95, 0.9)
    copy = ImageEnhance.Color(crop_region(original, window)).enhance(0.4)
    places = embed_places(embedded, original)
    alike, strange = (find_correspondence(places, embed_places(embedded, other)) for other in (copy, met("36131")))
    assert alike.first.max() > 2 * strange.first.max()
    best = alike.pairs[0]
    across, down = (
        np.interp(best.second[::2], (0, 1), (left, right)),
        np.interp(best.second[1::2], (0, 1), (top, bottom)),
    )
    assert intersection_over_union(best.first, (across[0], down[0], across[1], down[1])) > 0.6
    assert not strange.pairs or strange.pairs[0].agreement < best.agreement / 2


@pytest.mark.parametrize("name", ["clip", "siglip2", "resnet"])
def test_every_encoder_gives_places_that_can_be_compared(checkpoint: Any, painting: bytes, name: str) -> None:
    encoder = load_encoder(str(checkpoint(name)))
    noise = Image.effect_noise((9, 300), 90).convert("RGB")
    for image in (noise, noise.crop((0, 0, 8, 8)), load_image(painting)):
        places = embed_places(encoder, image)
        long_side = round(20 * min(2, max(image.width / image.height, image.height / image.width)))
        assert sorted(places.shape[:2]) == [20, long_side]
        assert np.linalg.norm(places, axis=2) == pytest.approx(1, abs=1e-3)
    found = find_correspondence(places, places)
    assert found.first.shape == places.shape[:2]
    assert np.array_equal(found.first, found.second)
    assert found.first.max() > 0.1, "a picture agrees with itself"


def random_places(rows: int, columns: int, seed: int) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).normal(size=(rows, columns, 64)))


def test_common_content_is_located_in_both_pictures() -> None:
    first, second = random_places(12, 16, 1), random_places(20, 10, 2)
    second[11:17, 2:8] = first[4:10, 8:14]
    found = find_correspondence(first, second)
    assert found.first.dtype == found.second.dtype == np.float32
    assert 0 <= found.first.min() <= found.first.max() <= 1
    here, there = np.zeros((12, 16), bool), np.zeros((20, 10), bool)
    here[4:10, 8:14], there[11:17, 2:8] = True, True
    assert found.first[here].min() > found.first[~here].max()
    assert found.second[there].min() > found.second[~there].max()
    (pair,) = found.pairs
    assert pair.first == pytest.approx((8 / 16, 4 / 12, 14 / 16, 10 / 12))
    assert pair.second == pytest.approx((2 / 10, 11 / 20, 8 / 10, 17 / 20))


def test_content_of_all_places_is_ignored_and_places_of_two_encoders_are_refused() -> None:
    first, second = random_places(12, 12, 3), random_places(12, 12, 4)
    ground = unit_rows(np.ones((1, 64)))[0] * 5  # a gold ground, everywhere in both
    found = find_correspondence(unit_rows(first + ground), unit_rows(second + ground))
    assert found.pairs == ()
    assert found.first.max() < 0.18
    with pytest.raises(QueryError, match="the same encoder embedded both"):
        find_correspondence(first, first[..., :32])


def test_an_explanation_holds_what_the_app_shows(collection: Any, explanation: Explanation) -> None:
    first, second = collection.ids[0], explanation.match.id
    assert first != second
    assert {item.aspect for item in explanation.likeness} == set(collection.state.spaces[0].statistics.aspects)
    for item in explanation.likeness:
        assert item.step == step_of(item.percentile)
        assert item.cosine == pytest.approx(explanation.match.aspects[item.aspect])
    assert explanation.query_picture.size == collection.image(first).size
    assert explanation.match_picture.size == collection.image(second).size
    assert explanation.agreement is not None
    rows, columns = explanation.agreement.first.shape
    width, height = explanation.query_picture.size
    assert columns / rows == pytest.approx(min(2, max(0.5, width / height)), rel=0.05)
    assert sum(swatch.share for swatch in explanation.match_palette) == pytest.approx(1)


def test_a_region_of_a_picture_is_explained_alone(collection: Any, painting: bytes) -> None:
    identity = collection.ids[5]
    region = (0.25, 0.25, 0.75, 0.75)
    found = collection.explain(identity, painting, region=region, regions=False)
    whole = load_image(painting)
    assert found.agreement is None
    assert found.query_picture.width / found.query_picture.height == pytest.approx(whole.width / whole.height, rel=0.03)
    assert found.shared_metadata == ()
    alone, all_of_it = (
        collection.search(image, where={"id": identity}, k=1)[0] for image in (crop_region(whole, region), whole)
    )
    assert abs(found.match.cosine - alone.cosine) < abs(found.match.cosine - all_of_it.cosine) / 4


@pytest.mark.parametrize(
    ("arguments", "options", "error", "sentence"),
    [
        (("nowhere",), {"work": "01.jpg"}, QueryError, "no work 'nowhere'"),
        (("00.jpg",), {"work": "nowhere"}, QueryError, "no work 'nowhere'"),
        (("00.jpg",), {"work": "00.jpg"}, QueryError, "cannot be explained by itself"),
        (("00.jpg",), {}, QueryError, "an image, or a work"),
        (("00.jpg", b"junk"), {}, ImageError, "not an image"),
        (("00.jpg",), {"work": "01.jpg", "region": (0.5, 0.5, 0.5, 1.0)}, ImageError, "region"),
        (("00.jpg",), {"work": "01.jpg", "encoder": "other"}, QueryError, "no encoder 'other'"),
    ],
)
def test_invalid_explanations_are_refused(
    collection: Any, arguments: Any, options: Any, error: type[Exception], sentence: str
) -> None:
    assert collection.ids[:2] == ["00.jpg", "01.jpg"]
    with pytest.raises(error, match=sentence):
        collection.explain(*arguments, **options)


def test_steps_follow_the_percentile() -> None:
    percentiles = (100, 99.89, 90, 89, 59, float("nan"))
    assert [step_of(value) for value in percentiles] == "same very similar somewhat different unknown".split()


def test_shared_metadata_is_informative(collection: Any) -> None:
    table = collection.state.table
    first = {"id": "a", "title": "Untitled", "artist": "Rembrandt", "year": 1633, "tags": ["Portraits", "Men"]}
    second = {"id": "b", "title": "Other", "artist": "Rembrandt", "year": 1699, "tags": ["Men", "Dogs", ""]}
    shared = {item.column: item.value for item in shared_metadata(table, first, second)}
    assert shared == {"artist": "Rembrandt", "tags": ("Men",), "century": 1600}
    same_year = shared_metadata(table, first, {**second, "year": 1633})
    assert {item.column: item.value for item in same_year}["year"] == 1633
    assert "century" not in {item.column for item in same_year}
    assert shared_metadata(table.slice(0, 1), {"artist": "Rembrandt"}, {"artist": "Rembrandt"}) == (), (
        "all works have it"
    )


def test_identifiers_unknowns_and_repetitions_are_not_shared_metadata(collection: Any) -> None:
    work = {"id": "a", "sha256": "00ff", "license": "CC0-1.0", "home": "https://example.org/work", "year": None}
    work |= {"artist": "Unidentified artist", "nationality": "Dutch", "culture": "Dutch", "period": ""}
    shared = shared_metadata(collection.state.table, work, {**work, "id": "b"})
    assert [(item.column, item.value) for item in shared] == [("nationality", "Dutch")]


def test_an_overlay_is_bright_where_the_map_is_and_plain_where_it_is_not(painting: bytes) -> None:
    picture = load_image(painting)
    heat = np.zeros((20, 20), np.float32)
    cold = np.asarray(load_image(draw_overlay(picture, heat, side=200)), float)
    heat[:8, :8] = 0.9
    hot = np.asarray(load_image(draw_overlay(picture, heat, side=200)), float)
    height, width = hot.shape[:2]
    assert max(height, width) == 200
    corner, rest = np.s_[: height // 4, : width // 4], np.s_[height // 2 :, width // 2 :]
    assert np.abs(hot[corner] - cold[corner]).mean() > 40
    assert np.abs(hot[rest] - cold[rest]).mean() < 4
    red, green, blue = hot[corner].mean(axis=(0, 1))
    assert min(red, green) > blue + 40, "the top of the ramp is yellow"


def test_regions_are_outlined_and_a_map_with_gaps_is_refused(painting: bytes) -> None:
    picture, heat = load_image(painting), np.zeros((4, 4), np.float32)
    plain = np.asarray(load_image(draw_overlay(picture, heat)), int)
    outlined = np.asarray(load_image(draw_overlay(picture, heat, regions=[(0.5, 0.5, 0.75, 0.75)])), int)
    changed = np.argwhere(np.abs(plain - outlined).max(axis=2) > 60)
    height, width = plain.shape[:2]
    assert changed.min(axis=0) / (height, width) == pytest.approx((0.5, 0.5), abs=0.02)
    assert changed.max(axis=0) / (height, width) == pytest.approx((0.75, 0.75), abs=0.02)
    with pytest.raises(QueryError, match="table of numbers"):
        draw_overlay(picture, heat * np.nan)
