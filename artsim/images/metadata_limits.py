"""Bounds of the metadata in a picture file, applied before Pillow reads it.

Pillow 12.3 takes quadratic time for an EXIF block that repeats its header, and refuses a PNG file with a very large profile
or text. Both are left out here; a camera's EXIF block fits into one segment of a JPEG file, which is 64 kB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

MAX_EXIF = 65_536  # bytes
_EXIF = b"Exif\0\0"
_REPEATED = _EXIF * 4
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"iCCP", b"iTXt", b"tEXt", b"zTXt")
START_OF_SCAN, _APP1 = 0xDA, 0xE1
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))  # markers that no segment follows


def bounded(data: bytes) -> bytes:
    """The file without EXIF blocks that are too large; the same object if there are none."""
    if data.startswith(b"\xff\xd8"):
        data = _bounded_jpeg(data)
    elif data.startswith(_PNG):
        return _bounded_png(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        data = _bounded_webp(data)
    # what is left of it, in these formats and in others: a header that repeats counts once
    return data.replace(_REPEATED, bytes(len(_REPEATED))) if _REPEATED in data else data


def without_texts(png: bytes) -> bytes:
    """A PNG file without its colour profile and texts."""
    return _without_chunks(png, lambda kind, _: kind in _TEXTS)


def _bounded_png(png: bytes) -> bytes:
    """A PNG file without an EXIF chunk of more than `MAX_EXIF` bytes, and without texts after its pixels.

    Texts before the pixels are read with the header, where `without_texts` helps if they are too large.
    """
    pixels = False

    def leaves_out(kind: bytes, length: int) -> bool:
        nonlocal pixels
        pixels = pixels or kind == b"IDAT"
        return (pixels and kind in _TEXTS) or (kind == b"eXIf" and length > MAX_EXIF)

    return _without_chunks(png, leaves_out)


def _without_chunks(png: bytes, leaves_out: Callable[[bytes, int], bool]) -> bytes:
    """A PNG file without some of its chunks, by their type and length."""
    left_out: list[tuple[int, int]] = []
    start = len(_PNG)
    while start < len(png):
        length, kind = int.from_bytes(png[start : start + 4]), png[start + 4 : start + 8]
        end = start + 12 + length  # length, type, data, checksum
        if leaves_out(kind, length):
            left_out.append((start, end))
        start = end
    return _without_spans(png, left_out) if left_out else png


def _bounded_jpeg(data: bytes) -> bytes:
    """A JPEG file whose EXIF segments, which Pillow joins, come to `MAX_EXIF` bytes at most: without all of them, if not."""
    exif = [
        (start, end)
        for marker, start, end in jpeg_segments(data)
        if marker == _APP1 and data.startswith(_EXIF, start + 4)
    ]
    if sum(end - start for start, end in exif) <= MAX_EXIF:
        return data
    return _without_spans(data, exif)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment of a JPEG file, up to the one at whose end the first scan begins."""
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            start += 1 if marker == 0xFF else 2
            continue
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4])
        yield marker, start, end
        if marker == START_OF_SCAN:
            return
        start = end


def _bounded_webp(data: bytes) -> bytes:
    """A WebP file without an EXIF chunk of more than `MAX_EXIF` bytes. Its header may still announce one."""
    start, large = 12, []
    while start + 8 <= len(data):
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        end = start + 8 + length + length % 2
        if data[start : start + 4] == b"EXIF" and length > MAX_EXIF:
            large.append((start, end))
        start = end
    if not large:
        return data
    rest = _without_spans(data, large)
    return rest[:4] + (len(rest) - 8).to_bytes(4, "little") + rest[8:]


def webp_pixels(data: bytes) -> int:
    """The number of pixels that the header of a WebP file states; 0 for any other file."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return 0
    if data[12:16] == b"VP8X":
        return (int.from_bytes(data[24:27], "little") + 1) * (int.from_bytes(data[27:30], "little") + 1)
    if data[12:16] == b"VP8L":
        sides = int.from_bytes(data[21:25], "little")
        return ((sides & 0x3FFF) + 1) * ((sides >> 14 & 0x3FFF) + 1)
    return (int.from_bytes(data[26:28], "little") & 0x3FFF) * (int.from_bytes(data[28:30], "little") & 0x3FFF)


def _without_spans(data: bytes, spans: list[tuple[int, int]]) -> bytes:
    """`data` without the bytes from start to end of each span."""
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(data)]
    return b"".join(data[start:end] for start, end in zip(starts, ends, strict=True))
