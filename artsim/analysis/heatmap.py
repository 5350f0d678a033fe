"""Draw a heat map over a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from artsim.encoders.region_vectors import Region
from artsim.errors import QueryError

# Viridis at even steps (van der Walt and Smith 2015, CC0): readable in grey, and to colour-blind eyes.
_RAMP = np.array(
    [tuple(bytes.fromhex(color)) for color in "440154 472c7a 3b518b 2c718e 21908d 27ad81 5cc863 aadc32 fde725".split()],
    float,
)
_FULL = 0.3  # heat at the top of the ramp, unless the map goes higher: weak agreement must not look strong
_OPACITY = 0.65


def draw_overlay(
    picture: Image.Image,
    heat: np.ndarray,
    *,
    regions: Sequence[Region] = (),
    side: int = 640,
) -> bytes:
    """A WebP file: the picture, at most `side` pixels, in grey under a translucent heat map (rows, columns) in 0..1.

    Where there is no heat, the dimmed picture shows through. `regions` are outlined and numbered from 1.
    """
    if heat.ndim != 2 or not heat.size or not np.isfinite(heat).all():
        raise QueryError("A heat map is a table of numbers, (rows, columns), without gaps.")
    small = picture.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    scaled = (heat / max(float(heat.max()), _FULL)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(scaled, "F").resize(small.size, Image.Resampling.BICUBIC)).clip(0, 1)
    colours = _ramp(smooth)
    grey = np.asarray(small.convert("L"), np.float32)[..., None]
    base = 0.35 * np.asarray(small, np.float32) + 0.65 * (0.75 * grey + 32)
    opacity = _OPACITY * np.sqrt(smooth)[..., None]
    drawn = Image.fromarray((base * (1 - opacity) + colours * opacity).clip(0, 255).astype(np.uint8))
    _outline(drawn, regions)
    buffer = io.BytesIO()
    drawn.save(buffer, "WEBP", quality=85)
    return buffer.getvalue()


def _ramp(values: np.ndarray) -> np.ndarray:
    """(..., 3) float in 0..255: the colours of values in 0..1."""
    position = values * (len(_RAMP) - 1)
    low = np.minimum(position.astype(int), len(_RAMP) - 2)
    share = (position - low)[..., None]
    return _RAMP[low] * (1 - share) + _RAMP[low + 1] * share


def _outline(image: Image.Image, regions: Sequence[Region]) -> None:
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(16)
    for number, (left, top, right, bottom) in enumerate(regions, start=1):
        box = [left * image.width, top * image.height, right * image.width - 1, bottom * image.height - 1]
        draw.rectangle(box, outline="black", width=4)
        draw.rectangle([box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1], outline="white", width=2)
        draw.text((box[0] + 8, box[1] + 5), str(number), fill="white", font=font, stroke_width=2, stroke_fill="black")
