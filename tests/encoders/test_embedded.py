"""The embedded encoder with its real weights on real paintings, and the colour histogram."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from artsim.encoders import embed, load_encoder
from artsim.encoders.color import DIMS, embed_colors, rgb_to_lab
from artsim.errors import EncoderError
from artsim.images.decode import load_image


@pytest.fixture(scope="module")
def pictures(met_works: list[dict[str, Any]]) -> list[Image.Image]:
    """Six paintings of all shapes."""
    return [load_image(work["image"]["bytes"], short_side=200) for work in met_works[:6]]


@pytest.fixture(scope="module")
def blocks(embedded: Any, pictures: list[Image.Image]) -> Any:
    return embed(embedded, pictures)


def test_rows_are_unit_vectors_of_the_declared_length_whatever_the_batch(
    embedded: Any, blocks: Any, pictures: list[Image.Image]
) -> None:
    assert embedded.revision.startswith("efficientnet-lite0-57934424")
    assert {aspect: rows.shape[1] for aspect, rows in blocks.items()} == {**embedded.dims, "color": DIMS}
    assert {aspect: rows.shape[0] for aspect, rows in embed(embedded, []).items()} == dict.fromkeys(blocks, 0)
    alone = embed(embedded, pictures[4:5])
    for aspect, rows in blocks.items():
        assert rows.shape[0] == 6
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(rows[4:5], alone[aspect], atol=2e-5)


def test_another_reproduction_of_a_painting_is_nearest_to_it(embedded: Any, blocks: Any, pictures: Any) -> None:
    """Cropped, darker and smaller: still the same painting."""
    image = pictures[2]
    width, height = image.size
    other = image.crop((width // 20, height // 20, width - width // 25, height - height // 30))
    other = ImageEnhance.Brightness(other.resize((other.width * 3 // 4, other.height * 3 // 4))).enhance(0.85)
    vectors = embedded.embed_images([other])
    for aspect in ("subject", "style"):
        assert (blocks[aspect] @ vectors[aspect][0]).argmax() == 2


def test_text_is_refused_with_a_hint_at_other_encoders(embedded: Any) -> None:
    assert not embedded.embeds_text
    with pytest.raises(EncoderError, match=r"embeds pictures, not text.*clip-vit-base-patch16"):
        embedded.embed_texts(["a horse"])


def test_patches_lie_in_the_grid_of_the_whole_picture(embedded: Any) -> None:
    patches = embedded.embed_patches(Image.effect_noise((640, 320), 60).convert("RGB"))
    assert patches.shape == (10, 20, 1280)
    np.testing.assert_allclose(np.linalg.norm(patches, axis=2), 1, atol=1e-5)


def test_auto_is_clip_where_the_hub_has_it_and_embedded_elsewhere(hub: Any) -> None:
    """The Hub of the tests answers, but has no such repository at first."""
    from artsim.encoders import DEFAULT_ENCODER, choose_encoder

    choice = choose_encoder("auto")
    assert choice.name == load_encoder("auto").id == "embedded"
    assert "is not in the local cache and the Hub does not answer" in choice.reason
    hub.add_repo(DEFAULT_ENCODER, repo_type="model", files={"config.json": b"{}"})
    assert choose_encoder("auto").name == DEFAULT_ENCODER


def test_lab_values_match_the_standard() -> None:
    """CIE values (D65) of sRGB white, black and primaries."""
    colours = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86]]
    np.testing.assert_allclose(rgb_to_lab(colours), expected, atol=0.1)


def test_similar_colours_have_similar_histograms_and_the_same_palette_the_same(pictures: list[Image.Image]) -> None:
    """Soft bins: no jump where a colour passes from one bin to the next."""
    rows = embed_colors([Image.new("RGB", (16, 16), (level, 90, 60)) for level in range(120, 180, 2)])
    steps = np.einsum("nd,nd->n", rows[:-1], rows[1:])
    assert steps.min() > 0.9
    turned = pictures[0].transpose(Image.Transpose.ROTATE_180)
    red, blue = Image.new("RGB", (64, 64), (200, 30, 20)), Image.new("RGB", (64, 64), (20, 30, 200))
    a, b, c, d = embed_colors([pictures[0], turned, red, blue])
    assert a @ b == pytest.approx(1, abs=0.002)
    assert c @ d == pytest.approx(0, abs=1e-6)
    assert 0 <= a @ c < 0.9
