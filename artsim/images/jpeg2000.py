"""What the main header of a JPEG 2000 file says: how much of the picture is decoded at once, and to which smaller sizes."""

from __future__ import annotations

from dataclasses import dataclass

_START = b"\xff\x4f\xff\x51"  # of the codestream: SOC, SIZ
_CODING = b"\xff\x52"


@dataclass(frozen=True)
class Jpeg2000Header:
    """`tile_pixels`: the most that is decoded at once. `levels`: how often the picture can be halved as it is decoded."""

    tile_pixels: int
    levels: int

    def halvings(self, size: tuple[int, int], short_side: int) -> int:
        """How often a picture of this size can be halved until its short side is `short_side`, at the least."""
        fitting = (times for times in range(self.levels, 0, -1) if min(size) >> times >= short_side)
        return next(fitting, 0)


def jpeg2000_header(data: bytes, size: tuple[int, int]) -> Jpeg2000Header:
    """The header of a JPEG 2000 file, a picture of `size`. What is unreadable counts as one tile, and no smaller size."""
    start = data.find(_START)
    width, height = (int.from_bytes(data[start + at : start + at + 4]) for at in (24, 28))
    tile_pixels = min(max(width, 1), size[0]) * min(max(height, 1), size[1])
    coding = data.find(_CODING, start, start + 1000)
    levels = data[coding + 9] if coding >= 0 and coding + 9 < len(data) else 0
    return Jpeg2000Header(tile_pixels if start >= 0 else size[0] * size[1], min(levels, 32))
