"""Files of pictures: encoded in memory, and malformed ones, whose header does not match their pixel data."""

import io
import struct
import zlib
from typing import Any

from PIL import Image


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_of(width: int, height: int, pixels: bytes) -> bytes:
    """A black-and-white PNG with these compressed pixels, whether or not they match its width and height."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def icc_profile(space: bytes, tags: dict[bytes, bytes], *, device: bytes = b"mntr", pcs: bytes = b"XYZ ") -> bytes:
    """A minimal ICC profile (version 2.1) of a device whose colours are in `space`: b"RGB ", b"GRAY" or b"CMYK"."""
    tags = {b"wtpt": xyz_tag(0.9642, 1.0, 0.8249), **tags}
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02100000, device, space, pcs)
    header += bytes(12) + b"acsp" + bytes(28) + xyz_tag(0.9642, 1.0, 0.8249)[8:]
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def xyz_tag(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def gamma_tag(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(red: Any, green: Any, blue: Any, gamma: float = 2.2) -> bytes:
    """A profile of a device with these primaries, each (X, Y, Z)."""
    primaries = {b"rXYZ": xyz_tag(*red), b"gXYZ": xyz_tag(*green), b"bXYZ": xyz_tag(*blue)}
    return icc_profile(b"RGB ", primaries | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma_tag(gamma)))


def cmyk_profile(cyan: tuple[int, int, int]) -> bytes:
    """A profile of a printer whose first ink, alone, has the colour `cyan` (L*, a*, b*); the other inks are black."""
    nodes = [(255, 128, 128), *[(0, 128, 128)] * 15]  # of C, M, Y, K, each 0 or 1: the paper first
    nodes[8] = (round(cyan[0] * 2.55), cyan[1] + 128, cyan[2] + 128)
    identity = b"".join(struct.pack(">i", 65536 * (row == column)) for row in range(3) for column in range(3))
    tables = (
        bytes([4, 3, 2, 0]) + identity + bytes(range(256)) * 4 + b"".join(map(bytes, nodes)) + bytes(range(256)) * 3
    )
    return icc_profile(b"CMYK", {b"A2B0": b"mft1\0\0\0\0" + tables}, device=b"prtr", pcs=b"Lab ")
