"""Decoding: unusual pictures become upright RGB or raise `ImageError`, within bounded time and memory."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_pictures import encode, png_of
from PIL import Image

from artsim.errors import ImageError
from artsim.images import picture_file
from artsim.images.conversion import joined
from artsim.images.decode import load_image, read_file
from artsim.images.formats import READS_HEIC
from artsim.images.geometry import crop_region, fit_frame, view_boxes
from artsim.images.thumbnails import thumbnail

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def halves(left: tuple[int, ...], right: tuple[int, ...], mode: str = "RGB") -> Image.Image:
    """A picture of 40 x 20 whose halves have one colour each."""
    image = Image.new(mode, (40, 20), left)
    image.paste(right, (20, 0, 40, 20))
    return image


def colour(image: Image.Image, x: int, y: int) -> Any:
    return image.getpixel((x, y))


def near(actual: tuple[int, ...], expected: tuple[int, ...], within: int = 6) -> bool:
    return all(abs(a - b) <= within for a, b in zip(actual, expected, strict=True))


def test_a_plain_jpeg_keeps_its_size_and_pixels(painting: bytes) -> None:
    image = load_image(painting)
    with Image.open(io.BytesIO(painting)) as plain:
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), np.asarray(plain.convert("RGB")))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_turns_the_picture_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a rotated camera: upright is a quarter turn clockwise
    image = load_image(encode(halves(RED, BLUE).resize((80, 40)), kind, exif=exif))
    assert image.size == (40, 80)
    assert near(colour(image, 20, 10), RED, 30)
    assert near(colour(image, 20, 70), BLUE, 30)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_unreadable_exif_data_are_ignored() -> None:
    data = encode(halves(RED, BLUE), "JPEG", exif=b"Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x40garbage")
    assert near(colour(load_image(data), 5, 10), RED)


@pytest.mark.parametrize("mode", ["P", "RGB", "L", "RGBA", "LA"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    if mode == "P":
        picture = halves(RED, GREEN).convert("P", palette=Image.Palette.ADAPTIVE, colors=2)
        data = encode(picture, "PNG", transparency=picture.getpixel((30, 10)))
    elif mode in ("RGB", "L"):
        opaque, key = (RED, BLUE) if mode == "RGB" else ((200,), (40,))
        data = encode(halves(opaque, key, mode), "PNG", transparency=key if mode == "RGB" else 40)
    else:
        opaque, clear = ((255, 0, 0, 255), (0, 0, 0, 0)) if mode == "RGBA" else ((0, 255), (0, 0))
        data = encode(halves(opaque, clear, mode), "PNG")
    image = load_image(data)
    assert near(colour(image, 5, 10), {"L": (200,) * 3, "LA": (0, 0, 0)}.get(mode, RED))
    assert colour(image, 35, 10) == WHITE


def test_half_transparent_pixels_are_blended_with_white() -> None:
    half = load_image(encode(Image.new("RGBA", (20, 20), (0, 0, 0, 128)), "PNG"))
    assert near(colour(half, 5, 5), (127, 127, 127), 2)


def test_cmyk_jpeg_has_the_right_colours() -> None:
    data = encode(halves(RED, WHITE).convert("CMYK"), "JPEG", quality=95)
    assert near(colour(load_image(data), 5, 10), RED, 12)
    assert near(colour(load_image(data), 35, 10), WHITE, 12)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_greys_span_black_to_white(kind: str) -> None:
    levels = np.zeros((20, 40), np.uint16)
    levels[:, 20:] = 65535
    levels[:10, :20] = 32768
    image = load_image(encode(Image.fromarray(levels), kind))
    assert [colour(image, x, y)[0] for x, y in ((5, 5), (5, 15), (35, 5))] == [128, 0, 255]
    dark = load_image(encode(Image.fromarray(np.full((20, 20), 200, np.uint16)), kind))
    assert colour(dark, 5, 5) == (1, 1, 1), "its brightest level is not white"


@pytest.mark.parametrize(("top", "kind"), [(1.0, "float32"), (1e6, "float32"), (65535, "int32")])
def test_a_tiff_spans_black_to_white_whatever_its_range(top: float, kind: str) -> None:
    levels = np.linspace(0, top, 40).astype(kind)[None].repeat(20, 0)
    if kind == "float32":
        levels[0, 0] = np.nan
    image = load_image(encode(Image.fromarray(levels), "TIFF"))
    assert colour(image, 0, 10) == (0, 0, 0)
    assert near(colour(image, 20, 10), (131, 131, 131), 2)
    assert colour(image, 39, 10) == WHITE


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([-1, 0, 1], [0, 128, 255]),
        ([-1, -0.5, 0], [0, 64, 128]),
        ([-0.001, 0.5, 0.9], [0, 128, 230]),
        ([-100, 0, 300], [0, 64, 255]),
        ([0, np.inf, 0.5], [0, 255, 128]),
        ([-3e38, 0, 3e38], [0, 128, 255]),
        ([7, 7, 7], [7, 7, 7]),
        ([-7, -7, -7], [0, 0, 0]),
        ([np.nan, np.nan, np.nan], [0, 0, 0]),
    ],
    ids=str,
)
def test_float_pictures_are_scaled_by_their_range(levels: list[float], expected: list[int]) -> None:
    """Black is 0 or the lowest level; none of these is an error or a warning."""
    picture = Image.fromarray(np.repeat(np.array(levels, np.float32), 10)[None].repeat(20, 0))
    image = load_image(encode(picture, "TIFF"))
    assert [colour(image, x, 5)[0] for x in (5, 15, 25)] == pytest.approx(expected, abs=1)


def test_a_tiff_of_12_bits_spans_black_to_white() -> None:
    tags = {256: 24, 257: 8, 258: 12, 259: 1, 262: 1, 273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: 8, 279: 8 * 36}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + (bytes(18) + b"\xff" * 18) * 8
    image = load_image(data)
    assert (colour(image, 3, 3), colour(image, 20, 3)) == ((0, 0, 0), WHITE)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "MPO"])
def test_the_first_frame_of_an_animation_is_used(kind: str) -> None:
    first, second = Image.new("RGB", (40, 20), RED), Image.new("RGB", (40, 20), BLUE)
    data = encode(first, kind, save_all=True, append_images=[second])
    assert near(colour(load_image(data), 20, 10), RED)


def test_pictures_in_memory_of_any_mode_become_rgb() -> None:
    for mode in ("1", "L", "P", "PA", "LA", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV", "LAB", "I", "F"):
        assert load_image(Image.new(mode, (20, 20))).mode == "RGB", mode


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_reduced_and_looks_the_same(kind: str, painting: bytes) -> None:
    large = load_image(painting).resize((960, 600))
    image = load_image(encode(large, kind), short_side=150)
    assert image.size == (240, 150)
    expected = large.resize(image.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(image, int) - np.asarray(expected, int)).mean() < 2
    assert load_image(encode(halves(RED, BLUE), kind), short_side=640).size == (40, 20), "never enlarged"


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "empty"),
        (b"<html><body>404 Not Found</body></html>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "in the format PostScript"),
    ],
    ids=["zero bytes", "html", "eps"],
)
def test_a_file_that_is_not_an_image_is_refused_by_name(contents: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "painting.jpg"
    path.write_bytes(contents)
    with pytest.raises(ImageError, match=reason) as error:
        load_image(path)
    assert str(path) in str(error.value)


def test_what_pillow_writes_in_any_other_format_is_refused_unopened() -> None:
    """Its decoders of these formats have had the most holes; what cannot be told from its beginning is no picture."""
    Image.init()
    refused = set()
    for kind in set(Image.SAVE) - {"PDF", "MPO"}:
        try:
            data = encode(halves(RED, BLUE).convert("L" if kind in ("PALM", "MSP", "XBM") else "RGB"), kind)
        except (OSError, ValueError, KeyError, AttributeError):  # no writer, or not for such a picture
            continue
        if kind in ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM", "JPEG2000"):
            assert load_image(data, name=f"as if.{kind}").size == (40, 20), kind
        else:
            with pytest.raises(ImageError, match=r"is not read here|not an image"):
                load_image(data)
            refused.add(kind)
    assert {"ICO", "TGA", "PCX", "SGI", "IM", "ICNS", "DDS", "DIB"} <= refused


@pytest.mark.parametrize("options", [{}, {"num_resolutions": 1}, {"tile_size": (64, 64)}, {"no_jp2": True}], ids=str)
def test_jpeg_2000_is_read_and_decoded_at_a_reduced_size(options: dict[str, Any], painting: bytes) -> None:
    large = load_image(painting).resize((480, 300))
    data = encode(large, "JPEG2000", **options)
    image = load_image(data, short_side=75)
    assert image.size == (120, 75)
    expected = large.resize(image.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(image, int) - np.asarray(expected, int)).mean() < 8
    assert load_image(data).size == (480, 300)


def test_a_jpeg_2000_that_does_not_fit_into_memory_is_decoded_at_a_smaller_size(
    painting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = load_image(painting).resize((480, 300))
    monkeypatch.setattr(picture_file, "_ROOM", 1_500_000)  # 22 bytes a pixel: a quarter of them fits
    for region, short_side, size in (
        (None, None, (240, 150)),
        (None, 200, (240, 150)),
        ((0, 0, 0.5, 1), None, (120, 150)),
    ):
        found, strips = picture_file.decode_file(encode(large, "JPEG2000"), region=region, short_side=short_side)
        assert found == joined(found, strips).size == size
    with pytest.raises(ImageError, match="Save a smaller copy of it"):
        picture_file.decode_file(encode(large, "JPEG2000", num_resolutions=1))


@pytest.mark.skipif(not READS_HEIC, reason="needs pillow-heif")
def test_a_heic_picture_is_upright_whatever_its_name(tmp_path: Path) -> None:
    import pillow_heif

    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    pillow_heif.from_pillow(halves(RED, BLUE).resize((160, 80))).save(buffer, exif=exif.tobytes())
    (tmp_path / "phone.jpg").write_bytes(buffer.getvalue())
    image = load_image(tmp_path / "phone.jpg")
    assert image.size == (80, 160)
    assert near(colour(image, 40, 20), RED, 30) and near(colour(image, 40, 140), BLUE, 30)


def test_files_with_the_name_of_a_kind_that_is_not_read_say_which_it_is(tmp_path: Path) -> None:
    for data, kind in ((b"8BPS\0\1", "Photoshop"), (b"II*\0\x10\0\0\0CR\2\0", "RAW"), (b"<svg ", "SVG")):
        with pytest.raises(ImageError, match=f"is in the format {kind}, which is not read here"):
            load_image(data + bytes(64))
    raw = encode(Image.new("RGB", (160, 120)), "TIFF", tiffinfo={50706: b"\1\4\0\0"})  # the thumbnail in a DNG file
    with pytest.raises(ImageError, match="format RAW"):
        load_image(raw)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str)
def test_a_jpeg_that_lost_its_end_opens_as_it_does_in_every_viewer(options: dict[str, Any], painting: bytes) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    thumbnail = b"Exif\0\0" + exif.tobytes()[6:] + encode(Image.new("RGB", (16, 16)), "JPEG")  # has an end marker, too
    whole = encode(load_image(painting), "JPEG", exif=thumbnail, **options)
    for lost in (1, 2, 10):
        found, expected = (np.asarray(load_image(data), int) for data in (whole[:-lost], whole))
        assert found.shape == expected.shape
        assert np.array_equal(found[:, 18:], expected[:, 18:]), "all but the last row of blocks, upright"
    assert load_image(whole[:-2] + b"\xff").size == load_image(whole).size


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_png_with_a_large_text_opens(place: str, painting: bytes) -> None:
    picture = load_image(painting, short_side=64)
    data = encode(picture, "PNG")
    packed = b"Comment\0\0" + zlib.compress(bytes(70_000_000), 1)
    text = struct.pack(">I", len(packed)) + b"zTXt" + packed + struct.pack(">I", zlib.crc32(b"zTXt" + packed))
    at = 33 if place == "before" else len(data) - 12  # behind the header, or before the end
    image = load_image(data[:at] + text + data[at:])
    assert np.array_equal(np.asarray(image), np.asarray(picture))


def test_a_truncated_jpeg_is_refused_as_bytes_and_as_a_lazy_picture(painting: bytes) -> None:
    half = painting[: len(painting) // 2]
    with pytest.raises(ImageError, match=r"angelus\.jpg is damaged"):
        load_image(half, name="angelus.jpg")
    with Image.open(io.BytesIO(half)) as lazy, pytest.raises(ImageError, match="damaged"):
        load_image(lazy)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_files_damaged_anywhere_give_a_picture_or_an_image_error(painting: bytes) -> None:
    """Decoders raise RuntimeError, TypeError, struct.error and more: none of these may escape."""
    random = np.random.default_rng(0)
    small = load_image(painting, short_side=64).resize((48, 40))
    refused = 0
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM", "JPEG2000"):
        whole = encode(small, kind)
        for attempt in range(30):
            data = bytearray(whole)
            places = random.integers(0, len(data) if attempt % 2 else min(len(data), 300), 8)
            for place in places:
                data[place] = random.integers(0, 256)
            try:
                assert load_image(bytes(data[: random.integers(len(data) // 2, len(data) + 1)])).mode == "RGB"
            except ImageError:
                refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [(20_000, 15_000, r"bomb\.png has 300 megapixels; the limit is 120"), (2**31 - 1, 2**31 - 1, "megapixels")],
)
def test_a_bomb_is_refused_from_its_header(width: int, height: int, reason: str) -> None:
    """It has no pixel data: decoding them would be another error."""
    with pytest.raises(ImageError, match=reason):
        load_image(png_of(width, height, b""), name="bomb.png")


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7)])
def test_pictures_below_8_pixels_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match=f"only {size[0]} x {size[1]} pixels"):
        load_image(encode(Image.new("RGB", size), "PNG"))
    assert load_image(encode(Image.new("RGB", (8, 8)), "PNG")).size == (8, 8)


def test_an_unreadable_path_is_an_error_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        load_image(tmp_path / "nothing.jpg")
    with pytest.raises(ImageError, match="is not a file"):
        load_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        load_image("null\0character.jpg")


def test_files_over_100_mb_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    with path.open("wb") as file:
        file.truncate(100_000_001)  # a sparse file: takes no room
    with pytest.raises(ImageError, match="larger than 100 MB"):
        read_file(path)


def test_a_region_is_cut_out_by_fractions() -> None:
    image = crop_region(halves(RED, BLUE), (0.5, 0.0, 1.0, 0.5))
    assert image.size == (20, 10)
    assert colour(image, 3, 3) == BLUE
    with pytest.raises(ImageError, match="only 4 x 20 pixels"):
        crop_region(halves(RED, BLUE), (0, 0, 0.1, 1))


@pytest.mark.parametrize(
    "region", [(0.5, 0, 0.5, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.1), (0, 0, float("nan"), 1), (0, 0, 1)], ids=str
)
def test_a_region_outside_the_picture_is_refused(region: Any) -> None:
    with pytest.raises(ImageError, match="empty or outside"):
        crop_region(halves(RED, BLUE), region)


def test_frames_keep_the_aspect_ratio_up_to_two_to_one() -> None:
    assert fit_frame((640, 480), short_side=320) == (416, 320)
    assert fit_frame((480, 640), short_side=320) == (320, 416)
    assert fit_frame((500, 500), short_side=320) == (320, 320)
    assert fit_frame((4000, 100), short_side=320) == (640, 320)


@pytest.mark.parametrize(("size", "count"), [((640, 320), 0), ((641, 320), 3), ((300, 1200), 5), ((2_000_000, 8), 7)])
def test_pieces_of_long_pictures_cover_them_and_overlap(size: tuple[int, int], count: int) -> None:
    whole, *pieces = view_boxes(size)
    assert whole == (0, 0, *size)
    assert len(pieces) == count
    if pieces:
        axis = 0 if size[0] > size[1] else 1
        starts, ends = [box[axis] for box in pieces], [box[axis + 2] for box in pieces]
        assert (starts[0], ends[-1]) == (0, pytest.approx(max(size)))
        length = ends[0]
        assert length >= min(size)
        assert all(ends[k] - starts[k + 1] >= 0.249 * length for k in range(count - 1))
        assert all((box[1 - axis], box[3 - axis]) == (0, min(size)) for box in pieces)


def test_a_thumbnail_fits_its_side_and_is_small(painting: bytes) -> None:
    data = thumbnail(load_image(painting), side=100)
    with Image.open(io.BytesIO(data)) as small:
        assert small.format == "WEBP"
        assert max(small.size) == 100
    assert len(data) < len(painting) / 4
