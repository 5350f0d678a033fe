"""The few things that a plot is drawn with, as SVG (sharp, selectable, with captions) or as PNG (goes anywhere)."""

from __future__ import annotations

import base64
import io
import math
from html import escape
from typing import Literal, Protocol

from PIL import Image, ImageDraw, ImageFont

from artsim.images.decode import thumbnail

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""left, top, right, bottom, in pixels"""
Anchor = Literal["start", "middle", "end"]
PAPER = "#ffffff"
_PNG_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
_DASH = 5


class Canvas(Protocol):
    """What `SvgCanvas` and `PngCanvas` can do. A caption shows when the pointer rests there, where the format can."""

    def line(self, start: Point, end: Point, color: str, *, dashed: bool = False) -> None: ...

    def dot(self, at: Point, radius: float, color: str, *, caption: str = "") -> None: ...

    def text(
        self, at: Point, words: str, *, color: str = "#222222", size: int = 13, anchor: Anchor = "start"
    ) -> None: ...

    def picture(
        self, image: Image.Image, box: Box, *, frame: str = PAPER, width: int = 1, caption: str = ""
    ) -> None: ...

    def file(self) -> bytes:
        """The finished drawing."""
        ...


class SvgCanvas:
    def __init__(self, width: int, height: int, *, title: str, description: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'font-family="system-ui, sans-serif">',
            f"<title>{escape(title)}</title><desc>{escape(description)}</desc>",
            f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        ]

    def line(self, start: Point, end: Point, color: str, *, dashed: bool = False) -> None:
        dash = f' stroke-dasharray="{_DASH}"' if dashed else ""
        ends = "M{:.1f} {:.1f}L{:.1f} {:.1f}".format(*start, *end)
        self._parts.append(f'<path d="{ends}" stroke="{color}"{dash}/>')

    def dot(self, at: Point, radius: float, color: str, *, caption: str = "") -> None:
        shape = f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius}" fill="{color}"'
        self._parts.append(f"{shape}><title>{escape(caption)}</title></circle>" if caption else f"{shape}/>")

    def text(self, at: Point, words: str, *, color: str = "#222222", size: int = 13, anchor: Anchor = "start") -> None:
        place = f'x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{color}"'
        self._parts.append(f"<text {place}>{escape(words)}</text>")

    def picture(self, image: Image.Image, box: Box, *, frame: str = PAPER, width: int = 1, caption: str = "") -> None:
        data = base64.b64encode(thumbnail(image, side=max(image.size))).decode()
        left, top, right, bottom = box
        place = f'x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}"'
        self._parts.append(
            f'<g><title>{escape(caption)}</title><image {place} href="data:image/webp;base64,{data}"/>'
            f'<rect {place} fill="none" stroke="{frame}" stroke-width="{width}"/></g>'
        )

    def file(self) -> bytes:
        return "\n".join([*self._parts, "</svg>"]).encode()


class PngCanvas:
    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("RGB", (width, height), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def line(self, start: Point, end: Point, color: str, *, dashed: bool = False) -> None:
        pieces = max(1, math.ceil(math.dist(start, end) / _DASH)) if dashed else 1

        def along(share: float) -> Point:
            return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])

        for piece in range(0, pieces, 2):
            self._draw.line([along(piece / pieces), along((piece + 1) / pieces)], fill=color)

    def dot(self, at: Point, radius: float, color: str, *, caption: str = "") -> None:
        x, y = at
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)

    def text(self, at: Point, words: str, *, color: str = "#222222", size: int = 13, anchor: Anchor = "start") -> None:
        font = ImageFont.load_default(size)
        self._draw.text(at, words, fill=color, font=font, anchor=_PNG_ANCHORS[anchor])

    def picture(self, image: Image.Image, box: Box, *, frame: str = PAPER, width: int = 1, caption: str = "") -> None:
        left, top = round(box[0]), round(box[1])
        self._image.paste(image, (left, top))
        edge = (left - width, top - width, left + image.width + width - 1, top + image.height + width - 1)
        self._draw.rectangle(edge, outline=frame, width=width)

    def file(self) -> bytes:
        buffer = io.BytesIO()
        self._image.save(buffer, "PNG")
        return buffer.getvalue()
