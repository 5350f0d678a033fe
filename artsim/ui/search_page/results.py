"""Results beside the query: works to start from, matches, or a notice."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from artsim.errors import ArtsimError, QueryError
from artsim.search.match import Match
from artsim.ui.cards import example_card, facts_of, match_card
from artsim.ui.context import Context
from artsim.ui.error_text import error_markup
from artsim.ui.http.downloads import KINDS, shown_matches
from artsim.ui.markup import Markup, button, element, explained, join
from artsim.ui.query_string import ParsedLink, write_query_string
from artsim.ui.search_form import SearchForm
from artsim.ui.search_page.work_dialog import match_dialog, work_dialog
from artsim.ui.search_service import Group, SearchAnswer, conditions_of, find, group_name, heading_of

log = logging.getLogger(__name__)


def page_of(context: Context, link: ParsedLink, *, restored: str | None = None) -> Markup:
    """The results page of a parsed link. Errors appear on it as messages.

    `restored`: the address is this page's already, so the browser adds no history entry; "link" if it was opened as a
    link or through the history.
    """
    form = link.form
    if not form.parts:
        return _empty_page(context, link, None, restored=restored)
    failure: str
    try:
        return matches_page(context, find(context, form), link, restored=restored)
    except ArtsimError as error:
        failure = error_markup(error, context.strings)
    except Exception:
        log.exception("A search failed.")
        failure = context.strings("notice.internal")
    return _empty_page(context, link, failure, restored=restored)


def start_page(context: Context) -> Markup:
    """The page before the first search."""
    return _empty_page(context, ParsedLink(SearchForm()), None, restored="start")


def _empty_page(context: Context, link: ParsedLink, failure: str | None, *, restored: str | None) -> Markup:
    """Introduction and works to start from, below an error notice if there was a failure.

    The introduction is here and not above the query: results replace it, so nothing that stays on the page moves.
    """
    strings = context.strings
    cards = []
    for identity in context.examples:
        try:
            cards.append(example_card(context.collection.work(identity), strings))
        except QueryError:  # the work was removed meanwhile
            continue
    return element(
        "section",
        _notice(strings("notice.error"), failure, role="alert") if failure else "",
        _problems(context, link),
        element("header", element("h1", strings("intro.title")), element("p", strings("intro.text")), class_="intro"),
        element("h2", strings("examples.title")),
        element("ul", *cards, class_="grid"),
        _opened(context, link, ()),
        class_="results", data_state="empty", data_query=write_query_string(link.form), data_restored=restored,
    )  # fmt: skip


def matches_page(context: Context, answer: SearchAnswer, link: ParsedLink, *, restored: str | None = None) -> Markup:
    strings, form, heading = context.strings, answer.form, heading_of(context, answer.form)
    matches = answer.matches
    if not matches:
        notice = _notice(strings("results.none.title"), strings("results.none"))
    elif not any(match.close for match in matches):
        notice = _notice(strings("results.not-close.title"), strings("results.not-close"))
    else:
        notice = Markup("")
    body = [_grid(context, answer, group) for group in answer.groups]
    return element(
        "section",
        _problems(context, link),
        _head(context, answer, heading),
        notice,
        *body,
        _opened(context, link, [match.id for match in matches]),
        class_="results", data_state="matches", data_query=write_query_string(form), data_restored=restored,
        data_title=heading,
    )  # fmt: skip


def _head(context: Context, answer: SearchAnswer, heading: str) -> Markup:
    strings, conditions = context.strings, conditions_of(context, answer.form)
    within = element("p", strings("within"), " ", " · ".join(conditions), class_="within") if conditions else ""
    return element(
        "header",
        element("h1", heading),
        _count(context, answer) if answer.matches else "",
        within,
        _tools(context, answer),
        class_="results-head",
    )


def _count(context: Context, answer: SearchAnswer) -> Markup:
    strings, form = context.strings, answer.form
    count = strings.number(len(answer.matches))
    if form.by is not None:
        text = strings("results.count.by", count=count, groups=len(answer.groups), column=strings.column(form.by))
    elif form.where:
        text = strings("results.count.filtered", count=count)
    else:
        text = strings("results.count", count=count, total=strings.number(len(context.collection)))
    word = strings("results.percentile")
    info = strings("results.percentile.info.text" if answer.by_text else "results.percentile.info")
    term, note = explained(word, strings("what.label", word=word), info)
    return element("div", element("p", text, " · ", term), note, class_="results-count", data_explained=True)


def _tools(context: Context, answer: SearchAnswer) -> Markup:
    strings = context.strings
    return element(
        "div",
        button(strings("results.copy"), class_="link", data_act="copy-view"),
        _downloads(context, answer) if answer.matches else "",
        button(strings("results.back"), class_="link", data_act="restart"),
        class_="results-tools",
    )


def _downloads(context: Context, answer: SearchAnswer) -> Markup:
    """Download links with the search's query string; for a query with an upload, a form that sends the shown results."""
    strings, kinds = context.strings, [kind for kind in KINDS if kind != "zip" or _has_pictures(context)]
    names = {"csv": strings("download.csv"), "json": strings("download.json"), "zip": strings("download.zip")}
    if any(part.image is not None for part in answer.form.parts):
        shown = json.dumps(shown_matches(answer), separators=(",", ":"))
        buttons = [
            element("button", names[kind], type="submit", formaction=f"download.{kind}", class_="link")
            for kind in kinds
        ]
        field = element("input", type="hidden", name="shown", value=shown)
        menu = element("form", field, *buttons, method="post", class_="menu")
    else:
        query = write_query_string(answer.form)
        links = [element("a", names[kind], href=f"download.{kind}?{query}", download=True) for kind in kinds]
        menu = element("div", *links, class_="menu")
    return element("details", element("summary", strings("download.title")), menu, class_="downloads")


def _has_pictures(context: Context) -> bool:
    return context.collection.manifest.has_pictures


def _grid(context: Context, answer: SearchAnswer, group: Group) -> Markup:
    works = [part.work for part in answer.form.parts if part.work is not None and part.weight > 0]
    beside, strings, by_text = works[0] if works else None, context.strings, answer.by_text
    cards = [_card(match, context, group, by_text=by_text, beside=beside) for match in group.matches]
    if answer.form.by is None:
        return element("ul", *cards, class_="grid")
    return element(
        "section",
        element("h2", group_name(context, answer.form.by, group.value)),
        element("ul", *cards, class_="grid row", tabindex="0", aria_label=strings("results.row")),
        class_="group",
    )


def _card(match: Match, context: Context, group: Group, *, by_text: bool, beside: str | None) -> Markup:
    detail = match_dialog(match, context, count=len(group.matches), by_text=by_text, beside=beside)
    return match_card(match, detail, context.strings, by_text=by_text)


def _opened(context: Context, link: ParsedLink, shown: Sequence[str]) -> Markup:
    """The detail that a link opens, if its work is not among the matches shown."""
    if link.opened is None or link.opened in shown:
        return Markup("")
    try:
        work = context.collection.work(link.opened)
    except QueryError:  # removed since the link was read
        return Markup("")
    return element(
        "div", element("template", work_dialog(work, context)), class_="opened", hidden=True, **facts_of(work)
    )


def _problems(context: Context, link: ParsedLink) -> Markup:
    """Notice of the parts of the link that could not be used."""
    if not link.problems:
        return Markup("")
    items = [element("li", problem) for problem in link.problems]
    return element(
        "div", element("strong", context.strings("link.problems")), element("ul", *items), class_="notice", role="alert"
    )


def _notice(title: str, text: str, *, role: str = "status") -> Markup:
    return element("div", element("strong", title), element("p", join(text)), class_="notice", role=role)
