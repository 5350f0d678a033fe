"""What fills the page beside the query: works to start from, matches, or a notice."""

from __future__ import annotations

from collections.abc import Sequence

from artsim.errors import QueryError
from artsim.search import Match
from artsim.ui.cards import example_card, match_card
from artsim.ui.context import Context
from artsim.ui.markup import Markup, button, element, join


def empty_page(context: Context, notice: str | None = None) -> Markup:
    """Works to start from; above them, what went wrong, if something did."""
    strings = context.strings
    cards = []
    for identity in context.examples:
        try:
            cards.append(example_card(context.collection.work(identity), strings))
        except QueryError:  # removed from the collection since the start
            continue
    return element(
        "section",
        _notice(strings("notice.error"), notice, role="alert") if notice else "",
        element("h2", strings("examples.title")),
        element("ul", *cards, class_="grid"),
        class_="results", data_state="empty",
    )  # fmt: skip


def matches_page(context: Context, matches: Sequence[Match], *, heading: str, filtered: bool, by_text: bool) -> Markup:
    strings = context.strings
    key = "results.count.filtered" if filtered else "results.count"
    total = strings.number(len(context.collection))
    count = strings(key, count=strings.number(len(matches)), total=total) if matches else ""
    if not matches:
        notice = _notice(strings("results.none.title"), strings("results.none"))
    elif not any(match.close for match in matches):
        notice = _notice(strings("results.not-close.title"), strings("results.not-close"))
    else:
        notice = Markup("")
    cards = [match_card(match, context, count=len(matches), by_text=by_text) for match in matches]
    return element(
        "section",
        element("header",
            element("h1", heading),
            element("p", count),
            button(strings("results.back"), class_="link", data_action="restart"),
            class_="results-head"),
        notice,
        element("ul", *cards, class_="grid"),
        class_="results", data_state="matches",
    )  # fmt: skip


def _notice(title: str, text: str, *, role: str = "status") -> Markup:
    return element("div", element("strong", title), element("p", join(text)), class_="notice", role=role)
