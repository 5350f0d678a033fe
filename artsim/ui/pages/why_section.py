"""HTML of an explanation: words, heat maps over both pictures, palettes and shared metadata."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from PIL import Image

from artsim.analysis.explain import Explanation
from artsim.analysis.heatmap import draw_overlay
from artsim.analysis.palette import Swatch
from artsim.encoders.region_vectors import Region
from artsim.messages.strings import Strings
from artsim.ui.context import Context
from artsim.ui.labels import as_text, share_text
from artsim.ui.markup import Markup, element

_SIDE = 520  # pixels of the heat maps


def why_section(context: Context, explanation: Explanation, *, names: tuple[str, str] | None = None) -> Markup:
    """The whole explanation as one section without a heading of its own.

    `names`: names of the two pictures; None for a query and its match.
    """
    strings = context.strings
    pictures = names or (strings("why.map.query"), strings("why.map.match"))
    words = [
        element("li", strings(f"why.{item.aspect}.{item.step}"), " ",
                element("span", share_text(item.percentile, strings), class_="fine") if item.step != "unknown" else "")
        for item in explanation.likeness
    ]  # fmt: skip
    return element(
        "div",
        element("ul", *words, class_="why-words"),
        _maps(explanation, pictures, strings),
        _palettes(explanation, pictures, strings),
        _metadata(explanation, strings),
        class_="why",
    )


def _maps(explanation: Explanation, names: tuple[str, str], strings: Strings) -> Markup:
    correspondence = explanation.agreement
    if correspondence is None:
        return Markup("")
    pairs = correspondence.pairs
    figures = [
        _map(explanation.query_picture, correspondence.first, [pair.first for pair in pairs], names[0]),
        _map(explanation.match_picture, correspondence.second, [pair.second for pair in pairs], names[1]),
    ]
    note = strings("why.map.info" if pairs else "why.map.none")
    return element(
        "div", element("h3", strings("why.map")), element("div", *figures, class_="why-maps"), element("p", note, class_="fine")
    )  # fmt: skip


def _map(picture: Image.Image, heat: np.ndarray, regions: Sequence[Region], alt: str) -> Markup:
    drawn = draw_overlay(picture, heat, regions=regions, side=_SIDE)
    source = f"data:image/webp;base64,{base64.b64encode(drawn).decode()}"
    return element("figure", element("img", src=source, alt=alt), element("figcaption", alt, class_="fine"))


def _palettes(explanation: Explanation, names: tuple[str, str], strings: Strings) -> Markup:
    shared = explanation.shared_colors
    rows = [
        _palette(explanation.query_palette, [pair.first for pair in shared], names[0], strings),
        _palette(explanation.match_palette, [pair.second for pair in shared], names[1], strings),
    ]
    note = strings("why.palette.shared", count=len(shared)) if shared else strings("why.palette.none")
    return element("div", element("h3", strings("why.palette")), *rows, element("p", note, class_="fine"))


def _palette(swatches: Sequence[Swatch], shared: Sequence[int], label: str, strings: Strings) -> Markup:
    """A strip of colours, each as wide as its share; colours that the other picture shares are marked."""
    strip = [
        element(
            "span",
            style=f"background:{swatch.hex};flex-grow:{max(swatch.share, 0.03):.3f}",
            class_="shared" if number in shared else None,
            title=swatch.hex,
        )
        for number, swatch in enumerate(swatches)
    ]
    return element("div", *strip, class_="why-palette", role="img", aria_label=_described(swatches, label, strings))


def _described(swatches: Sequence[Swatch], label: str, strings: Strings) -> str:
    shares = [f"{swatch.hex} {strings.percent(100 * swatch.share)}" for swatch in swatches]
    return strings("within.values", column=label, values=strings("results.comma").join(shares))


def _metadata(explanation: Explanation, strings: Strings) -> Markup:
    if not explanation.shared_metadata:
        return Markup("")
    rows = [
        element("div", element("dt", strings.column(item.column)), element("dd", as_text(_plain(item.value))))
        for item in explanation.shared_metadata
    ]
    return element("div", element("h3", strings("why.metadata")), element("dl", *rows, class_="metadata"))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
