"""Formats of picture files, told by their first bytes, and how large a picture may be."""

from __future__ import annotations

from importlib.util import find_spec

MAX_PIXELS = 120_000_000  # 360 MB as RGB: larger than museum downloads, smaller than a Space's memory
MAX_BYTES = 100_000_000
MAX_MEMORY = 600_000_000
"""Bytes that a process may need to decode a picture."""
MIN_SIDE = 8  # smaller pictures are tracking pixels or broken files

READS_HEIC = find_spec("pillow_heif") is not None
FORMATS = (
    *("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM", "JPEG2000"),
    *(("HEIC",) if READS_HEIC else ()),
)
COMMON_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
"""What visitors have. The decoders of the others are rarely used, and have had more holes."""
EXTENSIONS = frozenset(
    ".jpg .jpeg .jpe .jif .jfif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff .avif .ppm .pgm .pbm .pnm .pfm "
    ".jp2 .j2k .jpx .jpf .j2c .jpc .heic .heif .hif".split()
)
"""Of names that announce a picture. What a file is, its first bytes say."""

_STARTS = {
    b"\xff\xd8\xff": "JPEG",  # MPO too: several JPEG pictures one after the other
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    **dict.fromkeys((b"II*\0", b"MM\0*", b"MM*\0", b"II\0*", b"II+\0", b"MM\0+"), "TIFF"),
    **dict.fromkeys((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"), "JPEG2000"),
}
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # lengths in bytes
_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


def format_of(data: bytes) -> str | None:
    """The one of `FORMATS` that a file begins like, or "HEIC"; None if it is none of them."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if data[:1] == b"P" and data[1:2] in b"123456fFy" and data[2:3].isspace():
        return "PPM"
    brands = brands_of(data)
    if brands & _AVIF:
        return "AVIF"
    if brands & _HEIC:
        return "HEIC"
    return next((kind for start, kind in _STARTS.items() if data.startswith(start)), None)


def brands_of(data: bytes) -> set[bytes]:
    """The brands that a file of ISO's container format (AVIF, HEIC, MP4) states; none for any other file."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4]), len(data), 256)
    return {data[8:12], *(data[start : start + 4] for start in range(16, end - 3, 4))}
