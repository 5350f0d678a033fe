"""Margins: mounts and borders are found to the pixel or nearly so, and pictures with a plain ground stay whole."""

import io
from typing import Any

import numpy as np
import pytest
from odd_pictures import encode
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from artsim.images.decode import load_image
from artsim.images.margins import content_box, without_margins


@pytest.fixture(scope="module")
def image(met_works: list[dict[str, Any]]) -> Image.Image:
    """A painting without margins of its own."""
    found = load_image(met_works[0]["image"]["bytes"])
    assert without_margins(found) is found
    return found


def whole(image: Image.Image) -> tuple[int, ...]:
    return (0, 0, *image.size)


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (232, 224, 208), (90, 60, 40)], ids=str)
@pytest.mark.parametrize("border", [(90, 90, 90, 90), (40, 20, 70, 110), (0, 60, 0, 60), (60, 0, 50, 0)], ids=str)
def test_mounts_and_bars_are_found(border: tuple[int, ...], color: tuple[int, ...], image: Image.Image) -> None:
    mounted = ImageOps.expand(image, border, color)
    expected = (border[0], border[1], border[0] + image.width, border[1] + image.height)
    assert content_box(mounted) == pytest.approx(expected, abs=1)
    with Image.open(io.BytesIO(encode(mounted, "JPEG", quality=85))) as noisy:
        assert content_box(noisy.convert("RGB")) == pytest.approx(expected, abs=14)  # blocks of 16 pixels
    assert content_box(mounted.filter(ImageFilter.GaussianBlur(1))) == pytest.approx(expected, abs=4)


def test_a_mount_inside_a_border_is_found_too(image: Image.Image) -> None:
    nested = ImageOps.expand(ImageOps.expand(image, 50, "white"), 30, "black")
    assert content_box(nested) == (80, 80, 80 + image.width, 80 + image.height)


def sketch() -> Image.Image:
    """A drawing of a few curves on white paper, which does not reach the edges."""
    paper = Image.new("RGB", (600, 450), "white")
    draw = ImageDraw.Draw(paper)
    for step in range(8):
        draw.arc((100 + 10 * step, 80 + 7 * step, 480, 390), 20 * step, 200 + 15 * step, "black", 3)
    draw.ellipse((60, 60, 540, 400), outline="black", width=4)
    return paper


def portrait(image: Image.Image) -> Image.Image:
    """A figure, an oval cut from a painting, on a plain dark ground."""
    ground = Image.new("RGB", (500, 620), (14, 12, 10))
    mask = Image.new("L", ground.size, 0)
    ImageDraw.Draw(mask).ellipse((120, 90, 380, 610), fill=255)
    ground.paste(image.resize(ground.size), mask=mask)
    return ground


def square() -> Image.Image:
    """A black square painted on white."""
    picture = Image.new("RGB", (400, 400), "white")
    picture.paste((10, 10, 10), (60, 60, 340, 340))
    return picture


def test_pictures_with_a_plain_ground_stay_whole(image: Image.Image) -> None:
    small = ImageOps.expand(image.resize((60, 50)), 120, "white")  # a stamp on a sheet: too little would be left
    stripe = Image.new("RGB", (400, 300), "white")
    stripe.paste(image.resize((400, 100)), (0, 0))  # on one side only
    for picture in (sketch(), portrait(image), square(), small, stripe, Image.new("RGB", (300, 200), "black")):
        assert content_box(picture) == whole(picture)
    rough = np.asarray(ImageOps.expand(image, 60, (200, 190, 170)), np.int16)
    rough = rough + np.random.default_rng(0).normal(0, 9, rough.shape)  # painted, not uniform
    picture = Image.fromarray(np.clip(rough, 0, 255).astype(np.uint8))
    assert content_box(picture) == whole(picture)


@pytest.mark.slow
def test_of_the_works_of_the_met_only_those_before_black_or_grey_are_cut(met_works: list[dict[str, Any]]) -> None:
    """Looked at one by one: each was photographed before a plain ground, of which a strip shows."""
    before_a_ground = """
        37801 37942 435621 435728 435817 435984 436002 436095 436101 436105
        436106 436282 436504 436573 436622 437153 437175 437283 437344 437397 437430 437447 437769
        437826 437900 438112 438814 438817 458956 458961 459028 459088 459106 459110 459112 505722 827660
    """
    images = {work["id"].removeprefix("met-"): load_image(work["image"]["bytes"]) for work in met_works}
    boxes = {name: content_box(image) for name, image in images.items()}
    cut = {name: box for name, box in boxes.items() if box != whole(images[name])}
    assert cut.keys() == set(before_a_ground.split())
    kept = [
        min((box[2] - box[0]) / images[name].width, (box[3] - box[1]) / images[name].height)
        for name, box in cut.items()
    ]
    assert min(kept) > 0.79
    assert np.median(kept) > 0.96
