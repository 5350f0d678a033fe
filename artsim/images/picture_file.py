"""A picture file, decoded in this process. Only `worker` calls it: see there why."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from PIL import AvifImagePlugin, Image, MpoImagePlugin, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from artsim.errors import ImageError
from artsim.images.conversion import Strips, rgb_strips, upright_size
from artsim.images.formats import FORMATS, MAX_MEMORY, MAX_PIXELS, MIN_SIDE
from artsim.images.geometry import Region
from artsim.images.metadata_limits import bounded, webp_pixels, without_texts

_PLUGINS = (
    AvifImagePlugin,
    MpoImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)  # imported here, not at the first picture
_OWN_MEMORY = 60_000_000  # bytes, of this process without a picture
_WEBP_BYTES = 18  # a pixel, with the picture: measured at 119 megapixels
_DECODER_BYTES = {"WEBP": _WEBP_BYTES - 4, "AVIF": 12}  # a pixel, that they need beside the picture

log = logging.getLogger(__name__)


def decode_file(data: bytes, *, region: Region | None = None, short_side: int | None = None) -> Strips:
    """The upright sRGB picture in a file, or a region of it: see `artsim.images.decode.load_image`.

    Raises `ImageError`, in whose message the picture is called an empty string, or `MemoryError`.
    """
    with _open_checked(data) as image:
        needed = len(data) + _decoder_bytes(image)
        if short_side and not region and image.format in ("JPEG", "MPO"):
            image.draft(None, (short_side, short_side))
        _check_memory(image, needed)
        size, strips = rgb_strips(image, region=region, short_side=short_side)
        first = next(strips)  # now, as what is wrong with all of them shows here
        return size, chain([first], strips)


def size_of_file(data: bytes) -> tuple[int, int]:
    """Width and height of the upright picture in a file, from its header. Raises as `decode_file`."""
    with _open_checked(data) as image:
        return upright_size(image)


def check_size(image: Image.Image, label: str) -> None:
    """Raises `ImageError` for too many pixels, and for too few."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            "{label} has {megapixels:.0f} megapixels; the limit is {limit}. Save a smaller copy of it.",
            label=label,
            megapixels=width * height / 1e6,
            limit=MAX_PIXELS // 1_000_000,
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError("{label} is only {width} x {height} pixels.", label=label, width=width, height=height)


@contextmanager
def _open_checked(data: bytes) -> Iterator[Image.Image]:
    """The picture file with its header read; whatever is wrong with it in the block is an `ImageError`."""
    try:
        with _open(data) as image:
            check_size(image, "")
            yield image
    except UnidentifiedImageError:
        raise ImageError("{label} is not an image that artsim reads ({formats}).", label="", formats=FORMATS) from None
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # decoders raise OSError, RuntimeError, TypeError, struct.error, ...
        raise ImageError("{label} is damaged and cannot be decoded ({reason}).", label="", reason=str(error)) from error


def _open(data: bytes) -> Image.Image:
    """The picture file with its header read."""
    data = bounded(data)
    if webp_pixels(data) * _WEBP_BYTES > MAX_MEMORY - _OWN_MEMORY:  # its decoder takes them before its header is known
        raise too_much_memory("")
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except ValueError as error:
        if not data.startswith(b"\x89PNG"):
            raise
        log.warning("The colour profile and the texts of a PNG file are ignored: %s.", error)
        return Image.open(io.BytesIO(without_texts(data)), formats=FORMATS)


def _decoder_bytes(image: Image.Image) -> int:
    """What a decoder holds beside the file and the picture."""
    pixels = image.width * image.height
    if image.info.get("progressive"):  # all coefficients, 2 bytes each, of components that may be subsampled
        shares = [across * down for _, across, down, _ in image.layer]  # type: ignore[attr-defined]  # of JPEG files
        return round(2 * pixels * sum(shares) / max(shares))
    return pixels * _DECODER_BYTES.get(image.format or "", 0)


def _check_memory(image: Image.Image, needed: int) -> None:
    """Raises `ImageError` if the picture and `needed` bytes beside it come to more than `MAX_MEMORY`."""
    size = 1 if image.mode in ("1", "L", "P") else 2 if image.mode.startswith("I;16") else 4
    if needed + image.width * image.height * size > MAX_MEMORY - _OWN_MEMORY:
        raise too_much_memory("")


def too_much_memory(label: str) -> ImageError:
    """The error of a picture that does not fit into `MAX_MEMORY`."""
    return ImageError(
        "{label} needs more than {limit} MB of memory. Save a smaller copy of it, or save it as JPEG.",
        label=label,
        limit=MAX_MEMORY // 1_000_000,
    )
