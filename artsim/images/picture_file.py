"""A picture file, decoded in this process. Only `worker` calls it: see there why."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from PIL import (
    AvifImagePlugin,
    Image,
    MpoImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.TiffImagePlugin import TiffImageFile

from artsim.errors import ImageError
from artsim.images.conversion import Strips, rgb_strips, upright_size
from artsim.images.formats import FORMATS, MAX_MEMORY, MAX_PIXELS, MIN_SIDE, READS_HEIC, format_of
from artsim.images.geometry import Region
from artsim.images.jpeg2000 import Jpeg2000Header, jpeg2000_header
from artsim.images.jpeg_end import with_end
from artsim.images.metadata_limits import bounded, webp_pixels, without_texts

_PLUGINS = (
    AvifImagePlugin,
    MpoImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)  # imported here, not at the first picture
_OWN_MEMORY = 60_000_000  # bytes, of this process without a picture
_ROOM = MAX_MEMORY - _OWN_MEMORY
_WEBP_BYTES = 18  # a pixel, with the picture: measured at 119 megapixels
_DECODER_BYTES = {"WEBP": _WEBP_BYTES - 4, "AVIF": 12, "HEIF": 8}  # a pixel, beside the picture
_JPEG2000_BYTES = 18  # a pixel of a tile: measured on one of 12 megapixels
_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706  # tags of TIFF files

log = logging.getLogger(__name__)


def load_heic_reader() -> None:
    """Let Pillow open HEIC pictures, where `pillow-heif` is installed."""
    if READS_HEIC:
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1  # each thread takes room from `MAX_MEMORY`
        pillow_heif.register_heif_opener(thumbnails=False)


def decode_file(data: bytes, *, region: Region | None = None, short_side: int | None = None) -> Strips:
    """The upright sRGB picture in a file, or a region of it: see `artsim.images.decode.load_image`.

    Raises `ImageError`, in whose message the picture is called an empty string, or `MemoryError`.
    """
    with _open_checked(data, to_its_end=True) as image:
        needed = len(data)
        if isinstance(image, Jpeg2KImageFile):
            header = jpeg2000_header(data, image.size)
            halvings = header.halvings(image.size, short_side) if short_side and not region else 0
            while halvings < header.levels and needed + _jpeg2000_bytes(image, header, halvings) > _ROOM:
                halvings += 1
            image.reduce = halvings
            needed += _jpeg2000_bytes(image, header, halvings)
        else:
            needed += _decoder_bytes(image)
            if short_side and not region and image.format in ("JPEG", "MPO"):
                image.draft(None, (short_side, short_side))
            needed += _picture_bytes(image)
        if needed > _ROOM:
            raise too_much_memory("")
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
def _open_checked(data: bytes, *, to_its_end: bool = False) -> Iterator[Image.Image]:
    """The picture file with its header read; whatever is wrong with it in the block is an `ImageError`.

    `to_its_end`: it is about to be decoded.
    """
    try:
        data = bounded(data)
        with _open(with_end(data) if to_its_end else data) as image:
            check_size(image, "")
            _check_no_raw(image)
            yield image
    except UnidentifiedImageError:  # with the beginning of such a file, and nothing of it behind
        reason = "its header cannot be read"
        raise ImageError("{label} is damaged and cannot be decoded ({reason}).", label="", reason=reason) from None
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # decoders raise OSError, RuntimeError, TypeError, struct.error, ...
        raise ImageError("{label} is damaged and cannot be decoded ({reason}).", label="", reason=str(error)) from error


def _open(data: bytes) -> Image.Image:
    """The picture file with its header read, by the one decoder of the format that it begins like."""
    found = format_of(data)
    formats = () if found is None else ("HEIF" if found == "HEIC" else found,)
    if webp_pixels(data) * _WEBP_BYTES > _ROOM:  # its decoder takes them before its header is known
        raise too_much_memory("")
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except ValueError as error:
        if not data.startswith(b"\x89PNG"):
            raise
        log.warning("The colour profile and the texts of a PNG file are ignored: %s.", error)
        return Image.open(io.BytesIO(without_texts(data)), formats=formats)


def _check_no_raw(image: Image.Image) -> None:
    """Raises `ImageError` for a raw file of a camera: what TIFF says of it is a thumbnail."""
    if not isinstance(image, TiffImageFile):
        return
    tags = image.tag_v2
    if _DNG_VERSION in tags or (_SUB_IFDS in tags and int(tags.get(_NEW_SUBFILE_TYPE, 0)) & 1):
        raise ImageError(
            "{label} is in the format {format}, which is not read here ({formats} are). Save it as JPEG or PNG.",
            label="",
            format="RAW",
            formats=FORMATS,
        )


def _decoder_bytes(image: Image.Image) -> int:
    """What a decoder holds beside the file and the picture."""
    pixels = image.width * image.height
    if image.info.get("progressive"):  # all coefficients, 2 bytes each, of components that may be subsampled
        shares = [across * down for _, across, down, _ in image.layer]  # type: ignore[attr-defined]  # of JPEG files
        return round(2 * pixels * sum(shares) / max(shares))
    return pixels * _DECODER_BYTES.get(image.format or "", 0)


def _picture_bytes(image: Image.Image) -> int:
    size = 1 if image.mode in ("1", "L", "P") else 2 if image.mode.startswith("I;16") else 4
    return image.width * image.height * size


def _jpeg2000_bytes(image: Image.Image, header: Jpeg2000Header, halvings: int) -> int:
    """What the decoder and a picture that is halved so often take."""
    return _JPEG2000_BYTES * header.tile_pixels + _picture_bytes(image) >> 2 * halvings


def too_much_memory(label: str) -> ImageError:
    """The error of a picture that does not fit into `MAX_MEMORY`."""
    return ImageError(
        "{label} needs more than {limit} MB of memory. Save a smaller copy of it, or save it as JPEG.",
        label=label,
        limit=MAX_MEMORY // 1_000_000,
    )
