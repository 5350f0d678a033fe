"""Cards: a work or a match as an item of a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artsim.encoders.region_vectors import Region
from artsim.images.thumbnails import LARGE, SMALL
from artsim.messages.strings import Strings
from artsim.search.match import Match
from artsim.ui.addresses import picture_address
from artsim.ui.labels import label_of, share_text
from artsim.ui.markup import Markup, button, element, join

_FIRST_ROW = 5  # cards, on a wide screen


def facts_of(work: Mapping[str, Any]) -> dict[str, str]:
    """`data-*` attributes that identify a work to the page's scripts, for the element that contains its buttons."""
    return {
        "data_work": str(work["id"]),
        "data_title": label_of(work).title,
        "data_picture": picture_address(work, SMALL),
        "data_large": picture_address(work, LARGE),
    }


def example_card(work: Mapping[str, Any], strings: Strings) -> Markup:
    """A work to start from: a click searches with it."""
    label = label_of(work)
    name = strings("example.open", title=label.title, by=label.by)
    face = _face(work, name, strings, None, data_act="search")
    return element("li", face, _actions(work, strings), class_="card", **facts_of(work))


def match_card(match: Match, detail: Markup, strings: Strings, *, by_text: bool) -> Markup:
    """A match: a click opens its detail, which is included as a `<template>` so that it opens at once."""
    label = label_of(match.work)
    key = "match.badge.text" if by_text else "match.badge"
    badge = strings(key, share=share_text(match.percentile, strings))
    name = strings("match.open", title=label.title, by=label.by, badge=badge)
    face = _face(
        match.work,
        name,
        strings,
        badge,
        region=match.region,
        at_once=match.rank <= _FIRST_ROW,
        data_act="open",
        aria_haspopup="dialog",
    )
    actions = _actions(match.work, strings)
    return element("li", face, actions, element("template", detail), class_="card", **facts_of(match.work))


def _face(
    work: Mapping[str, Any],
    name: str,
    strings: Strings,
    badge: str | None,
    *,
    region: Region | None = None,
    at_once: bool = False,
    **attributes: Any,
) -> Markup:
    """`at_once`: load the picture with high priority; others load when they scroll into view."""
    loading = {"fetchpriority": "high"} if at_once else {"loading": "lazy"}
    label = label_of(work)
    caption = [element("span", label.title, class_="title")]
    if label.by:
        caption.append(element("span", label.by, class_="by"))
    if badge is not None:
        caption.append(element("span", badge, class_="badge"))
    spaced = [part for piece in caption for part in (piece, " ")]  # so that screen readers separate the words
    return button(
        join(
            element("span", marked(picture(work, SMALL, strings, **loading), region), class_="frame"),
            element("span", *spaced, class_="caption"),
        ),
        class_="card-face",
        aria_label=name,
        **attributes,
    )


def _actions(work: Mapping[str, Any], strings: Strings) -> Markup:
    """The buttons for more and for less like this, over the bottom of the picture."""
    title = label_of(work).title
    more = button(strings("card.more"), class_="for", data_act="for", aria_label=strings("card.for", title=title))
    less = button(
        strings("card.less"), class_="against", data_act="against", aria_label=strings("card.against", title=title)
    )
    return element("div", more, less, class_="card-actions")


def picture(work: Mapping[str, Any], size: int, strings: Strings, **attributes: Any) -> Markup:
    """`<img>` of a work, with its title and maker as alternative text."""
    label = label_of(work)
    alt = strings("picture.alt" if label.by else "picture.alt.plain", title=label.title, by=label.by)
    return element("img", src=picture_address(work, size), alt=alt, decoding="async", **attributes)


def marked(image: Markup, region: Region | None) -> Markup:
    """The picture with a frame around `region`, if there is one."""
    if region is None:
        return image
    left, top, right, bottom = (100 * side for side in region)
    box = f"left:{left:.2f}%;top:{top:.2f}%;width:{right - left:.2f}%;height:{bottom - top:.2f}%"
    return element("span", image, element("span", class_="found-box", style=box), class_="boxed")
