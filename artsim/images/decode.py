"""Safe decoding: every picture enters artsim through `load_image`.

Uploads and museum scans take the same path: the header is checked first (format, size), then the pixels are decoded,
then EXIF orientation, palettes, CMYK, 16 bit, alpha and animation are converted to plain RGB.
"""

from __future__ import annotations

import io
import logging
import stat
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from artsim.errors import ImageError
from artsim.messages.message import Message

MAX_PIXELS = 120_000_000  # 360 MB as RGB: larger than museum downloads, smaller than a Space's memory
MAX_BYTES = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
EXTENSIONS = frozenset(".jpg .jpeg .jfif .png .webp .gif .bmp .tif .tiff .avif .ppm .pgm".split())
MIN_SIDE = 8  # smaller pictures are tracking pixels or broken files

ImageLike = Image.Image | str | Path | bytes

log = logging.getLogger(__name__)

Image.MAX_IMAGE_PIXELS = None  # artsim's own limit, checked on the header below, gives a better message


def load_image(source: ImageLike, *, short_side: int | None = None, name: str | None = None) -> Image.Image:
    """Decode `source` to an upright RGB picture.

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
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
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
    """Any PIL picture as upright RGB: first frame, EXIF orientation applied, 16 bit scaled, alpha over white."""
    image = _upright(image)
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N", "I", "F"):
        return Image.fromarray(_to_8_bit(np.asarray(image))).convert("RGB")
    # a transparent colour, or palette entries
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        image = image.convert("RGBA")
    if image.mode in ("LA", "PA", "RGBA", "RGBa"):
        rgba = image.convert("RGBA")
        white = Image.new("RGB", rgba.size, (255, 255, 255))
        white.paste(rgba, mask=rgba.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    """The picture with its EXIF orientation applied; unreadable EXIF data are ignored."""
    image.load()  # outside the `try`: damaged pixels are an error
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:  # SyntaxError, struct.error, ...
        log.debug("The EXIF data of a picture cannot be read.", exc_info=error)
        return image


def _to_8_bit(values: np.ndarray) -> np.ndarray:
    """Grey levels (h, w) to uint8: 16-bit files span 0..65535, others 0..1, 0..255, 0..65535 or 0..maximum."""
    if values.dtype.itemsize == 2:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    levels = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=65535.0, neginf=0.0)
    highest = float(levels.max())
    top = next((top for top in (1.0, 255.0, 65535.0) if highest <= top), highest)
    return np.clip(levels * np.float32(255.0 / top) + np.float32(0.5), 0, 255).astype(np.uint8)


def to_file(image: Image.Image) -> bytes:
    """A picture without a file as a JPEG file, at a quality without visible loss."""
    buffer = io.BytesIO()
    to_rgb(image).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()
