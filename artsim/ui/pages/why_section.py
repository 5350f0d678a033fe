"""HTML of an explanation: words, heat maps over both pictures, palettes and shared metadata."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from PIL import Image

from artsim.analysis.explain import Explanation
from artsim.analysis.heatmap import draw_overlay
from artsim.analysis.palette import Swatch
from artsim.encoders.region_vectors import Region
from artsim.messages.strings import Strings
from artsim.ui.context import Context
from artsim.ui.templates import render

_SIDE = 520  # pixels of the heat maps


def why_section(context: Context, explanation: Explanation, *, names: tuple[str, str] | None = None) -> Markup:
    """The whole explanation as one section without a heading of its own.

    `names`: names of the two pictures; None for a query and its match.
    """
    strings, colors = context.strings, explanation.shared_colors
    first, second = names or (strings("why.map.query"), strings("why.map.match"))
    palettes = [
        (_described(swatches, name, strings), swatches, shared)
        for name, swatches, shared in (
            (first, explanation.query_palette, {pair.first for pair in colors}),
            (second, explanation.match_palette, {pair.second for pair in colors}),
        )
    ]
    maps = []
    if (regions := explanation.agreement) is not None:
        maps = [
            (first, _map(explanation.query_picture, regions.first, [pair.first for pair in regions.pairs])),
            (second, _map(explanation.match_picture, regions.second, [pair.second for pair in regions.pairs])),
        ]
    return render("pages/why_section.html", strings, explanation=explanation, maps=maps, palettes=palettes)


def _map(picture: Image.Image, heat: np.ndarray, regions: Sequence[Region]) -> str:
    """A heat map over a picture, as a data URL."""
    drawn = draw_overlay(picture, heat, regions=regions, side=_SIDE)
    return f"data:image/webp;base64,{base64.b64encode(drawn).decode()}"


def _described(swatches: Sequence[Swatch], label: str, strings: Strings) -> str:
    shares = [f"{swatch.hex} {strings.percent(100 * swatch.share)}" for swatch in swatches]
    return strings("within.values", column=label, values=strings("results.comma").join(shares))
