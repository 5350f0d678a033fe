"""A work on the page: as a card in a grid, and as the detail that opens from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from artsim.search import Match
from artsim.thumbnails import LARGE, SMALL, Thumbnails
from artsim.ui.context import Context
from artsim.ui.labels import label_of, metadata_of, safe_link, share_text, word_of
from artsim.ui.markup import Markup, button, element, join
from artsim.ui.strings import Strings


def picture_address(work: Mapping[str, Any], size: int) -> str:
    """Where the browser finds the picture of a work: our thumbnail, relative to the page."""
    return f"thumbnails/{size}/{quote(str(work['id']), safe='')}?v={Thumbnails.key(work)[:8]}"


def example_card(work: Mapping[str, Any], strings: Strings) -> Markup:
    """A work to start from: choosing it searches with it."""
    label = label_of(work)
    name = strings("example.open", title=label.title, by=label.by)
    return element("li", _face(work, name, strings, None, data_search=work["id"]), class_="card")


def match_card(match: Match, context: Context, *, count: int, by_text: bool) -> Markup:
    """A match: choosing it opens its detail, which comes along as a `<template>`, so that it opens at once."""
    strings, label = context.strings, label_of(match.work)
    key = "match.badge.text" if by_text else "match.badge"
    badge = strings(key, share=share_text(match.percentile, strings))
    name = strings("match.open", title=label.title, by=label.by, badge=badge)
    detail = element("template", match_detail(match, context, count=count, by_text=by_text))
    face = _face(match.work, name, strings, badge, data_open=match.id, aria_haspopup="dialog")
    return element("li", face, detail, class_="card")


def _face(work: Mapping[str, Any], name: str, strings: Strings, badge: str | None, **attributes: Any) -> Markup:
    label = label_of(work)
    caption = [element("span", label.title, class_="title")]
    if label.by:
        caption.append(element("span", label.by, class_="by"))
    if badge is not None:
        caption.append(element("span", badge, class_="badge"))
    spaced = [part for piece in caption for part in (piece, " ")]  # so that it is read as words apart
    return button(
        join(
            element("span", _picture(work, SMALL, strings, loading="lazy"), class_="frame"),
            element("span", *spaced, class_="caption"),
        ),
        class_="card-face",
        aria_label=name,
        data_title=label.title,
        data_picture=picture_address(work, SMALL),
        **attributes,
    )


def _picture(work: Mapping[str, Any], size: int, strings: Strings, **attributes: Any) -> Markup:
    label = label_of(work)
    alt = strings("picture.alt" if label.by else "picture.alt.plain", title=label.title, by=label.by)
    return element("img", src=picture_address(work, size), alt=alt, decoding="async", **attributes)


def match_detail(match: Match, context: Context, *, count: int, by_text: bool) -> Markup:
    strings, label, link = context.strings, label_of(match.work), safe_link(match.work)
    visit = (
        element("a", strings("detail.visit", host=link[1]), href=link[0], target="_blank", rel="noopener noreferrer")
        if link
        else ""
    )
    search = button(
        strings("detail.search"),
        class_="primary",
        data_search=match.id,
        data_title=label.title,
        data_picture=picture_address(match.work, SMALL),
    )
    metadata = [
        element("div", element("dt", heading), element("dd", text))
        for heading, text in metadata_of(match.work, strings)
    ]
    identity = " · ".join(str(part) for part in (match.id, match.work.get("license")) if part)
    return join(
        element("div", _picture(match.work, LARGE, strings), class_="detail-picture"),
        element("div",
            element("p", strings("detail.position", rank=match.rank, count=count), class_="overline"),
            element("h2", label.title, tabindex="-1"),
            element("p", label.by, class_="detail-by"),
            element("div", search, visit, class_="detail-actions"),
            _scores(match, strings, by_text=by_text),
            element("h3", strings("detail.about")),
            element("dl", *metadata, class_="metadata"),
            element("p", identity, class_="identity"),
            class_="detail-text"),
    )  # fmt: skip


def _scores(match: Match, strings: Strings, *, by_text: bool) -> Markup:
    bars = [_bar(strings("aspect.overall"), match.percentile, strings)]
    if not by_text:
        shares = match.aspect_percentiles.items()
        bars += [_bar(strings.aspect(aspect), share, strings, strings.aspect_info(aspect)) for aspect, share in shares]
    info = strings("detail.alike.info.text" if by_text else "detail.alike.info")
    return join(
        element("h3", strings("detail.alike")),
        element("ul", *bars, class_="bars"),
        element("p", info, class_="fine"),
        element("details", element("summary", strings("detail.numbers")), _numbers(match, strings, by_text=by_text)),
    )


def _bar(name: str, percentile: float, strings: Strings, info: str | None = None) -> Markup:
    share = share_text(percentile, strings)
    width = max(1.0, min(100.0, percentile))
    return element(
        "li",
        element("span", name, class_="bar-name", title=info),
        element("span", element("span", style=f"width:{width:.1f}%"), class_="bar", aria_hidden="true"),
        element("span", word_of(percentile, strings), class_="bar-word"),
        element("span", share, class_="bar-share"),
    )


def _numbers(match: Match, strings: Strings, *, by_text: bool) -> Markup:
    rows = [
        (strings("detail.percentile"), f"{match.percentile:.3f}", strings("detail.percentile.info")),
        (strings("detail.cosine"), f"{match.cosine:.4f}", strings("detail.cosine.info")),
        (strings("detail.angular"), f"{match.angular_distance:.4f}", strings("detail.angular.info")),
        (strings("detail.score"), f"{match.score:.4f}", strings("detail.score.info")),
    ]
    if not by_text:
        for aspect, cosine in match.aspects.items():
            rows.append((strings("detail.aspect", aspect=strings.aspect(aspect)), f"{cosine:.4f}", ""))
    if by_text:
        rows = rows[1:]
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", value, " ", element("span", info, class_="fine")))
            for name, value, info in rows
        ),
        class_="numbers",
    )
