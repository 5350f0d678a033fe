"""Formats of picture files, and how large a picture may be."""

from __future__ import annotations

MAX_PIXELS = 120_000_000  # 360 MB as RGB: larger than museum downloads, smaller than a Space's memory
MAX_BYTES = 100_000_000
MAX_MEMORY = 600_000_000
"""Bytes that a process may need to decode a picture."""
MIN_SIDE = 8  # smaller pictures are tracking pixels or broken files

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
COMMON_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
"""What visitors have. The decoders of the others are rarely used, and have had more holes."""
EXTENSIONS = frozenset(".jpg .jpeg .jfif .png .webp .gif .bmp .tif .tiff .avif .ppm .pgm".split())

_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II": "TIFF",
    b"MM": "TIFF",
    **dict.fromkeys((b"P" + kind.encode() for kind in "123456fFy"), "PPM"),
}


def format_of(data: bytes) -> str | None:
    """The one of `FORMATS` that a file begins like, as Pillow tells them apart; None if it is none of them."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return "AVIF"
    return next((kind for start, kind in _STARTS.items() if data.startswith(start)), None)
