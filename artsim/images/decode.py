"""Safe decoding: every picture enters artsim through `load_image`.

Uploads and museum scans take the same path, in a process of its own (`worker_pool`): the header is checked first (format,
size), then the pixels are decoded and converted to upright sRGB (`conversion`).
"""

from __future__ import annotations

import io
import stat
from pathlib import Path

from PIL import Image

from artsim.errors import ImageError
from artsim.images.conversion import to_rgb
from artsim.images.formats import FORMATS, MAX_BYTES
from artsim.images.geometry import Region
from artsim.images.other_files import HEAD, FileKind, kind_of_file
from artsim.images.picture_file import check_size
from artsim.images.worker_pool import worker_pool
from artsim.messages.message import Message

VISITOR_SECONDS = 5.0
OWNER_SECONDS = 60.0
"""For works of a collection: a museum's largest scans, on a machine that is busy building."""

ImageLike = Image.Image | str | Path | bytes


def load_image(
    source: ImageLike,
    *,
    short_side: int | None = None,
    region: Region | None = None,
    name: str | None = None,
    seconds: float = VISITOR_SECONDS,
) -> Image.Image:
    """Decode `source`, or a region of it, to an upright sRGB picture.

    `short_side` allows a large picture to be decoded at a reduced size (a JPEG by PIL's `draft`, four times faster on
    large scans); the short side of the result is never smaller than that unless the original's is. A JPEG 2000 that needs
    more than `MAX_MEMORY` is decoded at half its size, or less, where the file holds that. `name` is used in error
    messages. Raises `ImageError` when it is not an image of a known format, is damaged, has more than `MAX_PIXELS`,
    needs more than `MAX_MEMORY`, or takes longer than `seconds`.
    """
    label = name or (str(source) if isinstance(source, str | Path) else Message("the picture"))
    if isinstance(source, Image.Image):
        return _converted(source, label, region=region, short_side=short_side)
    data = source if isinstance(source, bytes) else read_file(source, name=label)
    if not data:
        raise ImageError("{label} is empty (0 bytes).", label=label)
    check_format(data, FORMATS, label)
    region = tuple(map(float, region)) if region else None  # type: ignore[assignment]  # plain numbers, for JSON
    return worker_pool().decode(data, label, seconds=seconds, region=region, short_side=short_side)


def picture_size(data: bytes, *, name: str) -> tuple[int, int]:
    """Width and height of the upright picture in a file, from its header. Raises `ImageError` as `load_image` does."""
    check_format(data, FORMATS, name)
    return worker_pool().size(data, name, seconds=VISITOR_SECONDS)


def check_format(data: bytes, formats: tuple[str, ...], label: str) -> None:
    """Raises `ImageError` unless a file begins like one of `formats`."""
    kind = kind_of_file(data[:HEAD])
    if kind.name not in formats:
        raise not_read(kind, formats, label)


def not_read(kind: FileKind, formats: tuple[str, ...], label: str) -> ImageError:
    """The error of a file whose kind is none of `formats`."""
    if kind.name in FORMATS or kind.is_picture:
        return ImageError(
            "{label} is in the format {format}, which is not read here ({formats} are). Save it as JPEG or PNG.",
            label=label,
            format=kind.name,
            formats=formats,
        )
    return ImageError("{label} is not an image that artsim reads ({formats}).", label=label, formats=formats)


def _converted(image: Image.Image, label: str, *, region: Region | None, short_side: int | None) -> Image.Image:
    """A picture in memory, which PIL may not have decoded yet."""
    try:
        check_size(image, label)
        return to_rgb(image, region=region, short_side=short_side)
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


def to_file(image: Image.Image) -> bytes:
    """A picture without a file as a JPEG file, at a quality without visible loss."""
    buffer = io.BytesIO()
    to_rgb(image).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()
