"""Safe decoding: every picture enters artsim through `load_image`.

Uploads and museum scans take the same path: the header is checked first (format, size), then the pixels are decoded,
then EXIF orientation, palettes, colour profiles, CMYK, 16 bit, alpha and animation are converted to plain sRGB.
"""

from __future__ import annotations

import io
import logging
import stat
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

from artsim.errors import ImageError
from artsim.images.color_profile import to_srgb
from artsim.messages.message import Message

MAX_PIXELS = 120_000_000  # 360 MB as RGB: larger than museum downloads, smaller than a Space's memory
MAX_BYTES = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
EXTENSIONS = frozenset(".jpg .jpeg .jfif .png .webp .gif .bmp .tif .tiff .avif .ppm .pgm".split())
MIN_SIDE = 8  # smaller pictures are tracking pixels or broken files
_PNG = b"\x89PNG\r\n\x1a\n"

ImageLike = Image.Image | str | Path | bytes

log = logging.getLogger(__name__)

Image.MAX_IMAGE_PIXELS = None  # artsim's own limit, checked on the header below, gives a better message


def load_image(source: ImageLike, *, short_side: int | None = None, name: str | None = None) -> Image.Image:
    """Decode `source` to an upright sRGB picture.

    `short_side` allows a large picture to be decoded at a reduced size (a JPEG by PIL's `draft`, four times faster on
    large scans); the short side of the result is never smaller than that unless the original's is. `name` is used in
    error messages. Raises `ImageError` when it is not an image of a known format, is damaged, or has more than
    `MAX_PIXELS`.
    """
    label = name or (str(source) if isinstance(source, str | Path) else Message("the picture"))
    try:
        if isinstance(source, Image.Image):
            _check_size(source, label)
            return _reduced(to_rgb(source), short_side)
        data = source if isinstance(source, bytes) else read_file(source, name=label)
        if not data:
            raise ImageError("{label} is empty (0 bytes).", label=label)
        with _open(data) as image:
            _check_size(image, label)
            if short_side and image.format in ("JPEG", "MPO"):
                image.draft(None, (short_side, short_side))
            image.load()
            return _reduced(to_rgb(image), short_side)
    except UnidentifiedImageError:
        raise ImageError(
            "{label} is not an image that artsim reads ({formats}).", label=label, formats=FORMATS
        ) from None
    except ImageError:
        raise
    except Exception as error:  # decoders raise OSError, RuntimeError, TypeError, struct.error, ...
        raise ImageError(
            "{label} is damaged and cannot be decoded ({reason}).", label=label, reason=str(error)
        ) from error


def _open(data: bytes) -> Image.Image:
    """The picture file with its header read."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except ValueError as error:
        if not data.startswith(_PNG):
            raise
        log.warning("The colour profile and the texts of a PNG file are ignored: %s.", error)
        return Image.open(io.BytesIO(_without_metadata(data)), formats=FORMATS)


def _without_metadata(png: bytes) -> bytes:
    """A PNG file without its colour profile and texts: PIL refuses the file where one of these is very large."""
    kept, start = [_PNG], len(_PNG)
    while start < len(png):
        end = start + 12 + int.from_bytes(png[start : start + 4])  # length, type, data, checksum
        if png[start + 4 : start + 8] not in (b"iCCP", b"iTXt", b"tEXt", b"zTXt"):
            kept.append(png[start:end])
        start = end
    return b"".join(kept)


def read_file(path: str | Path, *, name: str | None = None) -> bytes:
    """The bytes of a picture file; `ImageError` if it is missing, unreadable, or larger than `MAX_BYTES`."""
    path, label = Path(path), name or str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a folder, or a pipe, which would block forever
            raise ImageError("{label} is not a file.", label=label)
        if status.st_size > MAX_BYTES:
            raise ImageError(
                "{label} is larger than {limit} MB; save a smaller copy of it.",
                label=label,
                limit=MAX_BYTES // 1_000_000,
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise ImageError("{label} does not exist.", label=label) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ImageError(
            "{label} cannot be read ({reason}).", label=label, reason=str(getattr(error, "strerror", None) or error)
        ) from error


def _reduced(image: Image.Image, short_side: int | None) -> Image.Image:
    """The picture averaged over squares of whole pixels, to the smallest size that keeps `short_side`."""
    factor = min(image.size) // short_side if short_side else 1
    return image.reduce(factor) if factor > 1 else image


def _check_size(image: Image.Image, label: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        megapixels = width * height / 1e6
        limit = MAX_PIXELS // 1_000_000
        raise ImageError(
            "{label} has {megapixels:.0f} megapixels; the limit is {limit}. Save a smaller copy of it.",
            label=label,
            megapixels=megapixels,
            limit=limit,
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError("{label} is only {width} x {height} pixels.", label=label, width=width, height=height)


def to_rgb(image: Image.Image) -> Image.Image:
    """Any PIL picture as upright sRGB: first frame, EXIF orientation, 16 bit and float scaled, alpha over white."""
    white = _white_level(image)
    image = _upright(image)
    profile = image.info.pop("icc_profile", None)
    if image.mode.startswith("I") or image.mode == "F":
        image = Image.fromarray(_to_8_bit(np.asarray(image), white=white))
    # a transparent colour, or palette entries
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        image = image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    alpha = None
    if image.mode in ("LA", "PA", "RGBA", "RGBa"):
        image = image if image.mode == "LA" else image.convert("RGBA")
        alpha, image = image.getchannel("A"), image.convert(image.mode[:-1])
    if image.mode not in ("L", "RGB", "CMYK"):
        profile = None if image.mode in ("LAB", "HSV") else profile  # these colours depend on no device
        image = image.convert("L" if image.mode == "1" else "RGB")
    image = to_srgb(image, profile if isinstance(profile, bytes) else None)
    if alpha is None:
        return image
    opaque = Image.new("RGB", image.size, (255, 255, 255))
    opaque.paste(image, mask=alpha)
    return opaque


def _upright(image: Image.Image) -> Image.Image:
    """A copy of the picture with its EXIF orientation applied; unreadable EXIF data are ignored."""
    image.load()  # outside the `try`: damaged pixels are an error
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:  # SyntaxError, struct.error, ...
        log.debug("The EXIF data of a picture cannot be read.", exc_info=error)
        return image.copy()


def _white_level(image: Image.Image) -> float | None:
    """The level of white that the format of a grey picture defines; None if its pixels may have any range."""
    if image.mode.startswith("I;16"):
        bits = image.tag_v2.get(BITSPERSAMPLE, (16,))[0] if isinstance(image, TiffImageFile) else 16
        return float(2**bits - 1)  # scanners write TIFF files of 12 bits
    return 65535.0 if image.mode == "I" and image.format in ("PNG", "PPM") else None


def _to_8_bit(values: np.ndarray, *, white: float | None) -> np.ndarray:
    """Grey levels (h, w) to uint8, between 0 and `white`, or as the levels suggest; what is no number is black."""
    levels = np.asarray(values, np.float32)
    black, white = _range(levels) if white is None else (0.0, white)
    scale = 255.0 / (white - black) if white > black else 0.0
    scaled = np.nan_to_num(levels, nan=black, posinf=white, neginf=black)
    scaled *= np.float32(scale)
    scaled += np.float32(0.5 - black * scale)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


def _range(levels: np.ndarray) -> tuple[float, float]:
    """The levels of black and white in a picture whose format defines none.

    Black is 0, and white the first of 1, 255 and 65535 that no level exceeds, else the highest level. In a picture with
    negative levels, black is the lowest and white the highest, or 1 if all are within -1..1. Infinite levels do not count.
    """
    finite = np.isfinite(levels)
    if not finite.any():
        return 0.0, 1.0
    lowest = float(levels.min(where=finite, initial=np.inf))
    highest = float(levels.max(where=finite, initial=-np.inf))
    if lowest < 0:
        return lowest, max(highest, 1.0) if lowest >= -1 else highest
    return 0.0, next((top for top in (1.0, 255.0, 65535.0) if highest <= top), highest)


def to_file(image: Image.Image) -> bytes:
    """A picture without a file as a JPEG file, at a quality without visible loss."""
    buffer = io.BytesIO()
    to_rgb(image).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()
