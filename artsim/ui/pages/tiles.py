"""Works on the pages beside the search: a picture with its label, as a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artsim.images.thumbnails import SMALL
from artsim.messages.strings import Strings
from artsim.ui.addresses import picture_address
from artsim.ui.labels import label_of
from artsim.ui.markup import Markup, element


def work_picture(work: Mapping[str, Any], strings: Strings, *, size: int = SMALL, **attributes: Any) -> Markup:
    """The picture of a work, with its title and artist as alternative text."""
    label = label_of(work)
    alt = strings("picture.alt" if label.by else "picture.alt.plain", title=label.title, by=label.by)
    return element("img", src=picture_address(work, size), alt=alt, decoding="async", loading="lazy", **attributes)


def tile(work: Mapping[str, Any], strings: Strings, *, href: str, note: str = "") -> Markup:
    """`<li>`: the work as a card that links to `href`; `note` is the line below its label."""
    label = label_of(work)
    caption = [element("span", label.title, class_="title"), " "]
    caption += [element("span", label.by, class_="by"), " "] if label.by else []
    caption += [element("span", note, class_="badge")] if note else []
    face = element(
        "a",
        element("span", work_picture(work, strings), class_="frame"),
        element("span", *caption, class_="caption"),
        href=href,
        class_="card-face",
    )
    return element("li", face, class_="card")
