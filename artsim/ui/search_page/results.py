"""Results beside the query: works to start from, matches, or a notice."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from markupsafe import Markup

from artsim.errors import ArtsimError, QueryError
from artsim.search.match import Match
from artsim.ui.addresses import page_address
from artsim.ui.context import Context
from artsim.ui.error_text import shown_error
from artsim.ui.http.downloads import KINDS, shown_matches
from artsim.ui.labels import order_key
from artsim.ui.query_string import ParsedLink, write_query_string
from artsim.ui.search_form import SearchForm, sorts_offered
from artsim.ui.search_service import Group, SearchAnswer, conditions_of, find, heading_of, unreadable_uploads
from artsim.ui.shown_match import ShownMatch
from artsim.ui.templates import render

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _ListedGroup:
    """A group as the page lists it: in the order of the form, what is not close folded."""

    value: Any
    labelled: Sequence[Match]
    """Works that have the words of the query in their metadata."""
    shown: Sequence[Match]
    folded: Sequence[Match]

    @classmethod
    def of(cls, group: Group, form: SearchForm) -> _ListedGroup:
        """Where nothing is close, all of it is shown; so it is side by side with other groups."""
        matches = _sorted(group.matches, form.sort)
        labelled = [match for match in matches if match.found_by == "label"]
        alike = [match for match in matches if match.found_by == "likeness"]
        close = [match for match in alike if match.close]
        if form.by is not None or not (labelled or close):
            return cls(group.value, labelled, alike, ())
        return cls(group.value, labelled, close, [match for match in alike if not match.close])

    def __len__(self) -> int:
        return len(self.labelled) + len(self.shown) + len(self.folded)


def _sorted(matches: Sequence[Match], sort: str) -> Sequence[Match]:
    """The matches in one of `SORTS`."""
    return matches if sort == "likeness" else sorted(matches, key=lambda match: order_key(match.work, sort))


def page_of(context: Context, link: ParsedLink, *, restored: str | None = None) -> Markup:
    """The results page of a parsed link. Errors appear on it as messages.

    `restored`: the address is this page's already, so the browser adds no history entry; "link" if it was opened as a
    link or through the history.
    """
    failure: str = ""
    if link.form.parts:
        try:
            return matches_page(context, find(context, link.form), link, restored=restored)
        except ArtsimError as error:
            failure = shown_error(error, context)
            if unreadable := unreadable_uploads(context, link.form):
                return _page_without(context, link, unreadable, failure, restored=restored)
        except Exception:
            log.exception("A search failed.")
            failure = context.strings("notice.internal")
    return _page(context, link, restored=restored, failure=failure, examples=_examples(context))


def _page_without(
    context: Context, link: ParsedLink, unreadable: Sequence[int], failure: str, *, restored: str | None
) -> Markup:
    """The page of the search without those of its parts whose pictures cannot be opened: the script takes them out, too."""
    kept = tuple(part for place, part in enumerate(link.form.parts) if place not in unreadable)
    rest = replace(link, form=replace(link.form, parts=kept))
    told: dict[str, Any] = {"restored": restored, "failure": failure, "unreadable": unreadable}
    if kept:
        try:
            return matches_page(context, find(context, rest.form), rest, **told)
        except Exception:  # what is said of the pictures stands in any case
            log.exception("A search without unreadable pictures failed.")
    return _page(context, rest, examples=_examples(context), **told)


def start_page(context: Context) -> Markup:
    """The page before the first search."""
    return page_of(context, ParsedLink(SearchForm()), restored="start")


def matches_page(context: Context, answer: SearchAnswer, link: ParsedLink, **told: Any) -> Markup:
    names = {kind: context.strings(f"download.{kind}") for kind in KINDS}
    if not context.collection.manifest.embeds_pictures:
        del names["zip"]
    form = link.form
    uploaded = any(part.image is not None for part in form.parts)
    lists = [_ListedGroup.of(group, form) for group in answer.groups]
    return _page(
        context,
        link,
        answer,
        **told,
        heading=heading_of(context, form),
        count=_count(context, answer, shown=sum(len(group) - len(group.folded) for group in lists)),
        conditions=conditions_of(context, form),
        sorts=sorts_offered(context),
        lists=lists,
        mistyped=_is_mistyped(context, answer),
        recognizes=_recognizes(context, form),
        detail_address=partial(_detail_address, answer),
        kinds=names.items(),
        shown=json.dumps(shown_matches(answer), separators=(",", ":")) if uploaded else None,
    )


def _detail_address(answer: SearchAnswer, match: Match, count: int) -> str:
    """Where the detail of a match is fetched, which is one of `count` in sight."""
    shown = ShownMatch.of(match, count, by_text=answer.by_text, beside=answer.beside)
    return page_address("detail", work=match.id, part=1, **shown.parameters())


def _is_mistyped(context: Context, answer: SearchAnswer) -> bool:
    """Whether works are found by words that are only nearly those of the query."""
    [part, *others] = answer.form.parts
    if others or part.text is None or all(match.found_by != "label" for match in answer.matches):
        return False
    return not context.collection.label_indexes.of(context.collection.state.table).has(part.text)


def _recognizes(context: Context, form: SearchForm) -> bool:
    """Whether the page also asks if the collection holds the very work: for one whole picture of the visitor's own."""
    if len(form.parts) != 1 or form.contains or context.collection.state.recognition is None:
        return False
    [part] = form.parts
    return part.image is not None and part.region is None


def _page(
    context: Context,
    link: ParsedLink,
    answer: SearchAnswer | None = None,
    *,
    restored: str | None = None,
    failure: str = "",
    unreadable: Sequence[int] = (),
    **values: Any,
) -> Markup:
    """`unreadable`: places of the parts of the query that were left out, because their pictures cannot be opened."""
    matches = answer.matches if answer else []
    return render(
        "search_page/results.html",
        context.strings,
        link=link,
        query=write_query_string(link.form),
        answer=answer,
        restored=restored,
        failure=failure,
        unreadable=unreadable,
        matches=matches,
        opened=_opened(context, link, [match.id for match in matches]),
        **values,
    )


def _examples(context: Context) -> list[Mapping[str, Any]]:
    rows, state = context.collection.state.rows, context.collection.state
    return [state.work(rows[identity]) for identity in context.examples if identity in rows]


def _count(context: Context, answer: SearchAnswer, *, shown: int) -> str:
    strings, form, count = context.strings, answer.form, context.strings.number(shown)
    if form.by is not None:
        return strings("results.count.by", count=count, groups=len(answer.groups), column=strings.column(form.by))
    if form.where:
        return strings("results.count.filtered", count=count)
    return strings("results.count", count=count, total=strings.number(len(context.collection)))


def _opened(context: Context, link: ParsedLink, shown: Sequence[str]) -> Mapping[str, Any] | None:
    """The work whose detail a link opens, if it is not among the matches shown."""
    if link.opened is None or link.opened in shown:
        return None
    try:
        return context.collection.work(link.opened)
    except QueryError:  # removed since the link was read
        return None
