"""Pictures that no painter made: files whose header says what their pixels do not hold."""

import struct
import zlib


def png_of(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG of black and white with these compressed pixels, whether they are as many as it says or not."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
