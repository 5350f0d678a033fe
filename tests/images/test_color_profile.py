"""Colour profiles: what a picture looks like counts, not its numbers; an unusable profile never makes it unusable."""

import io
import logging
from typing import Any

import numpy as np
import pytest
from odd_pictures import cmyk_profile, encode, gamma_tag, icc_profile, rgb_profile
from PIL import Image, ImageCms

from artsim.images.decode import load_image, to_file
from artsim.images.thumbnails import thumbnail
from artsim.images.worker_pool import worker_pool

RED, GREEN, BLUE = (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)  # of sRGB
SWAPPED = rgb_profile(BLUE, GREEN, RED)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(scope="module")
def image(met_works: list[dict[str, Any]]) -> Image.Image:
    return load_image(met_works[0]["image"]["bytes"], short_side=100)


def swapped(image: Image.Image) -> Image.Image:
    red, green, blue = image.split()[:3]
    return Image.merge(image.mode, (blue, green, red, *image.split()[3:]))


def distance(first: Image.Image, second: Image.Image) -> float:
    return float(np.abs(np.asarray(first, int) - np.asarray(second, int)).mean())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("short_side", [None, 40])
def test_a_picture_is_seen_in_the_colours_of_its_profile(kind: str, short_side: int | None, image: Image.Image) -> None:
    data = encode(swapped(image), kind, icc_profile=SWAPPED, **({} if kind in ("PNG", "TIFF") else {"quality": 98}))
    plain = load_image(encode(image, "PNG"), short_side=short_side)
    assert distance(load_image(data, short_side=short_side), plain) < 5
    assert distance(swapped(plain), plain) > 15


def test_alpha_and_palettes_keep_their_meaning(image: Image.Image) -> None:
    clear = image.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(image.size))
    expected = load_image(clear)
    assert distance(load_image(encode(swapped(clear), "PNG", icc_profile=SWAPPED)), expected) < 5
    palette = swapped(image).convert("P", palette=Image.Palette.ADAPTIVE)
    assert distance(load_image(encode(palette, "PNG", icc_profile=SWAPPED)), image) < 9


def test_grey_and_cmyk_are_converted_by_their_profiles() -> None:
    grey, linear = Image.new("L", (20, 20), 128), icc_profile(b"GRAY", {b"kTRC": gamma_tag(1)})
    assert load_image(encode(grey, "PNG", icc_profile=linear)).getpixel((5, 5)) == pytest.approx((188,) * 3, abs=2)
    alpha = Image.merge("LA", (grey, Image.new("L", (20, 20), 255)))
    assert load_image(encode(alpha, "PNG", icc_profile=linear)).getpixel((5, 5)) == pytest.approx((188,) * 3, abs=2)
    ink = Image.new("CMYK", (20, 20), (255, 0, 0, 0))
    plain, printed = encode(ink, "TIFF"), encode(ink, "TIFF", icc_profile=cmyk_profile((53, 80, 67)))
    assert load_image(plain).getpixel((5, 5)) == (0, 255, 255)
    assert load_image(printed).getpixel((5, 5)) == pytest.approx((255, 0, 0), abs=6)


@pytest.mark.parametrize(
    "profile",
    [
        SWAPPED[:200],
        b"\xff" * 4000,
        bytes(9_000_000),
        icc_profile(b"CMYK", {}),
        icc_profile(b"RGB ", {}, device=b"link"),
    ],
    ids=["cut off", "noise", "9 MB", "of a printer", "of a link"],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_an_unusable_profile_is_ignored_and_logged(
    kind: str, profile: bytes, image: Image.Image, caplog: pytest.LogCaptureFixture
) -> None:
    worker_pool().close()  # the next one knows no profile yet: it logs each once
    with caplog.at_level(logging.WARNING, "artsim"):
        found = load_image(encode(image, kind, icc_profile=profile))
    assert np.array_equal(np.asarray(found), np.asarray(load_image(encode(image, kind))))
    assert "ignored" in caplog.text
    assert len(caplog.text) < 1000


def test_srgb_pictures_keep_their_pixels(image: Image.Image) -> None:
    assert np.array_equal(np.asarray(load_image(encode(image, "PNG", icc_profile=SRGB))), np.asarray(image))


def test_no_profile_is_left_on_what_is_shown_or_stored(image: Image.Image) -> None:
    foreign = swapped(image)
    foreign.info["icc_profile"] = SWAPPED
    for data in (to_file(foreign), thumbnail(load_image(foreign), side=80), encode(load_image(foreign), "PNG")):
        with Image.open(io.BytesIO(data)) as stored:
            assert not stored.info.get("icc_profile")
            assert distance(stored.convert("RGB"), image.resize(stored.size)) < 9
    assert foreign.info["icc_profile"] == SWAPPED, "the caller's picture is left as it is"
    assert distance(foreign, swapped(image)) == 0
