"""Detail dialog of a work: large picture, actions, scores and metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from artsim.encoders.region_vectors import Region
from artsim.images.thumbnails import LARGE
from artsim.messages.strings import Strings
from artsim.search.match import Match
from artsim.ui.cards import facts_of, marked, picture
from artsim.ui.context import Context
from artsim.ui.labels import label_of, metadata_of, safe_link, share_text, word_of
from artsim.ui.markup import Markup, button, element, explained, join
from artsim.ui.pages.registry import in_navigation, page_names


def match_dialog(match: Match, context: Context, *, count: int, by_text: bool, beside: str | None) -> Markup:
    """The detail of one of `count` matches. `beside`: id of the work in the query, if there is one."""
    position = context.strings("detail.position", rank=match.rank, count=count)
    scores = _scores(match, context.strings, by_text=by_text)
    why = _why(match.work, context, beside, by_text=by_text)
    return _detail(match.work, context, overline=position, scores=join(scores, why), beside=beside, region=match.region)


def work_dialog(work: Mapping[str, Any], context: Context) -> Markup:
    """The detail of a work outside any results, as a link opens it."""
    return _detail(work, context, overline="", scores=Markup(""), beside=None)


def _detail(
    work: Mapping[str, Any],
    context: Context,
    *,
    overline: str,
    scores: Markup,
    beside: str | None,
    region: Region | None = None,
) -> Markup:
    strings, label = context.strings, label_of(work)
    metadata = [
        element("div", element("dt", heading), element("dd", text)) for heading, text in metadata_of(work, strings)
    ]
    identity = " · ".join(str(part) for part in (work["id"], work.get("license")) if part)
    return element(
        "article",
        element("div", marked(picture(work, LARGE, strings), region), class_="detail-picture"),
        element("div",
            element("p", overline, class_="overline"),
            element("h2", label.title, tabindex="-1"),
            element("p", label.by, class_="detail-by"),
            _searches(strings),
            _views(work, context, beside),
            scores,
            element("h3", strings("detail.about")),
            element("dl", *metadata, class_="metadata"),
            element("p", identity, class_="identity"),
            class_="detail-text"),
        class_="detail-body", **facts_of(work),
    )  # fmt: skip


def _searches(strings: Strings) -> Markup:
    """Buttons that continue the search from this work."""
    return element(
        "div",
        button(strings("detail.search"), class_="primary", data_act="search"),
        button(strings("detail.for"), class_="plain for", data_act="for"),
        button(strings("detail.against"), class_="plain against", data_act="against"),
        button(strings("detail.crop"), class_="plain", data_act="crop"),
        class_="detail-actions",
    )


def _views(work: Mapping[str, Any], context: Context, beside: str | None) -> Markup:
    """Links to the other views of the work that this app has."""
    strings, identity = context.strings, str(work["id"])
    links: list[Markup] = []
    if "compare" in page_names():
        if beside is not None:
            links.append(_link(strings("detail.compare"), "compare", a=beside, b=identity))
        links.append(button(strings("detail.compare-other"), class_="link", data_act="compare"))
    if "timeline" in in_navigation(context):
        links.append(_link(strings("detail.timeline"), "timeline", work=identity))
    if "map" in in_navigation(context):
        links.append(_link(strings("detail.map"), "map", work=identity))
    if "path" in in_navigation(context):
        links.append(_link(strings("detail.path"), "path", **{"from": identity}))
    links.append(button(strings("detail.copy"), class_="link", data_act="copy-work"))
    link = safe_link(work)
    if link:
        to = {"href": link[0], "target": "_blank", "rel": "noopener noreferrer", "class_": "visit"}
        links.append(element("a", strings("detail.visit", host=link[1]), **to))
    return element("div", *links, class_="detail-ways")


def _why(work: Mapping[str, Any], context: Context, beside: str | None, *, by_text: bool) -> Markup:
    """Placeholder for the explanation, which takes the server some seconds and is fetched on demand.

    For a query without a work, the page's script adds the name of the upload.
    """
    if (beside is None and by_text) or "why" not in page_names():
        return Markup("")
    query = {} if beside is None else {"work": beside}
    address = f"why?{urlencode({**query, 'match': str(work['id']), 'part': 1})}"
    return element(
        "div",
        button(context.strings("detail.why"), class_="plain", data_act="why"),
        data_why=address,
        aria_live="polite",
    )


def _link(name: str, page: str, **parameters: str) -> Markup:
    return element("a", name, href=f"./{page}?{urlencode(parameters)}")


def _scores(match: Match, strings: Strings, *, by_text: bool) -> Markup:
    bars = [_bar(strings("aspect.overall"), match.percentile, strings, strings("aspect.overall.info"))]
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


def _bar(name: str, percentile: float, strings: Strings, info: str) -> Markup:
    share = share_text(percentile, strings)
    width = max(1.0, min(100.0, percentile))
    heading, text = explained(name, strings("what.label", word=name), info) if info else (name, "")
    return element(
        "li",
        element("span", heading, class_="bar-name"),
        element("span", element("span", style=f"width:{width:.1f}%"), class_="bar", aria_hidden="true"),
        element("span", word_of(percentile, strings), class_="bar-word"),
        element("span", share, class_="bar-share"),
        text,
        data_explained=True,
    )


def _numbers(match: Match, strings: Strings, *, by_text: bool) -> Markup:
    rows = [
        (strings("detail.percentile"), strings.percent(match.percentile, 3), strings("detail.percentile.info")),
        (strings("detail.cosine"), strings.decimal(match.cosine, 4), strings("detail.cosine.info")),
        (strings("detail.angular"), strings.decimal(match.angular_distance, 4), strings("detail.angular.info")),
        (strings("detail.score"), strings.decimal(match.score, 4), strings("detail.score.info")),
    ]
    if not by_text:
        for aspect, cosine in match.aspects.items():
            rows.append((strings("detail.aspect", aspect=strings.aspect(aspect)), strings.decimal(cosine, 4), ""))
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
