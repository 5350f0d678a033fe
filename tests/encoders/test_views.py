"""Long pictures: seen whole and in pieces, as one unit vector, in bounded memory."""

import zlib
from typing import Any

import numpy as np
import pytest
from odd_pictures import png_of
from PIL import Image

from artsim.encoders.protocol import unit_rows
from artsim.images.decode import load_image
from artsim.images.geometry import view_boxes


@pytest.fixture(scope="module")
def paints(met_works: list[dict[str, Any]]) -> list[Image.Image]:
    """Squares of seven paintings."""
    return [load_image(work["image"]["bytes"], short_side=160).resize((160, 160)) for work in met_works[5:12]]


@pytest.fixture(params=["clip", "embedded"])
def encoder(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def scroll(squares: list[Image.Image], *, upright: bool = False) -> Image.Image:
    return Image.fromarray(np.concatenate([np.asarray(square) for square in squares], axis=0 if upright else 1))


@pytest.mark.slow
@pytest.mark.parametrize("upright", [False, True])
def test_scrolls_that_share_only_their_middle_differ(encoder: Any, paints: Any, upright: bool) -> None:
    first = scroll([paints[0], paints[1], paints[2], paints[3], paints[4]], upright=upright)
    other = scroll([paints[5], paints[6], paints[2], paints[6], paints[5]], upright=upright)
    same = first.resize((first.width * 3 // 4, first.height * 3 // 4))
    blocks = encoder.embed_images([first, other, same, paints[0]])
    for aspect, rows in blocks.items():
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        assert rows[0] @ rows[1] < 0.995, aspect
        assert rows[0] @ rows[2] > rows[0] @ rows[1], aspect


def test_the_vectors_of_views_are_combined_and_ordinary_pictures_are_as_before(encoder: Any, paints: Any) -> None:
    long, plain = scroll(paints[:4]), paints[5]
    blocks, regions = encoder.embed_with_regions([plain, long, plain])
    pieces = [long.crop(tuple(map(round, box))) for box in view_boxes(long.size)[1:]]
    by_hand = unit_rows(encoder.embed_images(pieces)["subject"].mean(axis=0))
    assert blocks["subject"][1] @ by_hand > 0.75
    alone = encoder.embed_images([plain])
    for aspect, rows in alone.items():
        for row in (0, 2):
            np.testing.assert_allclose(blocks[aspect][row : row + 1], rows, atol=2e-5)
    segments = np.split(blocks["style"][1], np.cumsum(encoder.segments["style"])[:-1])
    norms = [np.linalg.norm(segment) for segment in segments]
    assert norms == pytest.approx([len(norms) ** -0.5] * len(norms), abs=1e-4), "no segment outweighs another"
    assert regions.shape[0] == 3


def test_a_scroll_is_more_like_its_parts_than_if_it_were_only_squeezed(embedded: Any, paints: Any) -> None:
    long = scroll(paints)
    rows = embedded.embed_images([long, long.resize((640, 320)), *paints])["subject"]
    in_pieces, squeezed = rows[:2] @ rows[2:].T
    assert in_pieces.mean() > squeezed.mean() + 0.05


@pytest.mark.slow
def test_a_thin_picture_of_274_bytes_costs_little(clip: Any, embedded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLIP's processor would enlarge its short side to 56 million pixels by 224: 37 GB."""
    data = png_of(2_000_000, 8, zlib.compress((b"\0" + bytes(250_000)) * 8, 9))
    seen: list[tuple[int, int]] = []
    prepare = clip._prepare

    def recording(images: list[Image.Image]) -> Any:
        seen.extend(image.size for image in images)
        return prepare(images)

    monkeypatch.setattr(clip, "_prepare", recording)
    image = load_image(data)
    assert image.size == (2_000_000, 8)
    for encoder in (clip, embedded):
        assert encoder.embed_images([image])["subject"].shape[0] == 1
        assert encoder.embed_with_regions([image])[1].shape[0] == 1
        assert encoder.embed_details([image]).shape[0] == 1
        assert encoder.embed_patches(image).ndim == 3
    assert seen and max(max(size) for size in seen) <= 4 * clip.short_side
