"""Search form -> answer: runs the search of the page and describes it in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artsim.encoders.presets import ranking_of, weights_of
from artsim.errors import ArtsimError, QueryError
from artsim.images.decode import check_format, load_image
from artsim.images.formats import COMMON_FORMATS, FORMATS
from artsim.messages.message import Message, Translated
from artsim.messages.strings import Strings
from artsim.search.match import WORDS, Match
from artsim.search.query import Part, Query
from artsim.ui.context import Context
from artsim.ui.labels import label_of, word_text
from artsim.ui.search_form import SearchForm

PER_GROUP = 5
"""Maximum number of works per group."""


@dataclass(frozen=True)
class Group:
    """Matches under one heading."""

    value: Any
    """The column value that the matches share, or the first year of their century; None without grouping."""
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class SearchAnswer:
    form: SearchForm
    groups: tuple[Group, ...]

    @property
    def matches(self) -> list[Match]:
        return [match for group in self.groups for match in group.matches]

    @property
    def by_text(self) -> bool:
        """Whether the query consists of text only."""
        return all(part.text is not None for part in self.form.parts)

    @property
    def beside(self) -> str | None:
        """Id of the first work that the query is for, if there is one: matches are compared with it."""
        return next((part.work for part in self.form.parts if part.work is not None and part.weight > 0), None)


def find(context: Context, form: SearchForm) -> SearchAnswer:
    """Run the search of a form, as soon as there is a seat. Raises `ArtsimError` if it cannot be answered."""
    return context.seats.run(lambda: _find(context, form))


def _find(context: Context, form: SearchForm) -> SearchAnswer:
    query = _query(context, form)
    if form.by is not None and form.contains:
        raise QueryError(Translated(context.strings("results.detail-by")))
    if form.by is None:
        return SearchAnswer(form, (Group(None, tuple(context.collection.run(query))),))
    by_value = context.collection.run_each(replace(query, k=min(form.k, PER_GROUP)), by=form.by)
    return SearchAnswer(form, tuple(Group(value, tuple(matches)) for value, matches in by_value.items()))


def _query(context: Context, form: SearchForm) -> Query:
    """The query of a form. What a visitor can put together on the page, but cannot be searched for, is refused in its words."""
    parts, ready = form.parts, context.readiness
    if parts and all(part.weight < 0 for part in parts):
        raise QueryError(Translated(context.strings("results.all-against")))
    if (
        len(parts) > 1
        and any(part.text is not None for part in parts)
        and ready.state == "ready"
        and not ready.embeds_text
    ):
        raise QueryError(Translated(context.strings("results.words-alone")))
    return Query(
        parts=tuple(_with_bytes(part, context) for part in form.parts),
        aspects=weights_of(None if form.preset else form.weights, form.preset),
        where=form.where,
        k=form.k,
        min_score=form.min_score,
        ranking=ranking_of(form.ranking, form.preset),  # type: ignore[arg-type]  # checked by the search
        encoder=form.encoder,
        other=(form.other,) if form.other else (),
        at_most=dict([form.at_most]) if form.at_most else {},
        detail=form.contains,
    )


def _with_bytes(part: Part, context: Context) -> Part:
    return replace(part, image=read_upload(part.image, context)) if isinstance(part.image, Path) else part


def read_upload(path: Path, context: Context) -> bytes:
    """The bytes of an upload. The message of a missing file does not contain its path.

    Raises `ImageError` unless it begins like a picture in a format that visitors may use.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise QueryError(Translated(context.strings("notice.gone"))) from error
    check_format(data, FORMATS if context.all_formats else COMMON_FORMATS, Message("the picture"))
    return data


def unreadable_uploads(context: Context, form: SearchForm) -> list[int]:
    """Places of the parts of a form whose uploads are gone, or cannot be opened as pictures."""
    return [
        place
        for place, part in enumerate(form.parts)
        if isinstance(part.image, Path) and not _can_be_opened(part.image, context)
    ]


def _can_be_opened(upload: Path, context: Context) -> bool:
    try:
        load_image(read_upload(upload, context), short_side=64)
    except ArtsimError:
        return False
    return True


def heading_of(context: Context, form: SearchForm) -> str:
    """Heading of the answer to a form."""
    strings, parts = context.strings, form.parts
    liked = [_name(context, part) for part in parts if part.weight > 0]
    unliked = [_name(context, part) for part in parts if part.weight < 0]
    if len(parts) == 1 and parts[0].text is not None:
        return strings("results.of.text", text=parts[0].text)
    if form.contains and not unliked:
        return strings("results.of.detail", liked=_listed(liked, strings))
    key = "results.of.unlike" if unliked else "results.of"
    return strings(key, liked=_listed(liked, strings), unliked=_listed(unliked, strings))


def _listed(names: list[str], strings: Strings) -> str:
    if len(names) < 2:
        return "".join(names)
    return strings("results.and", first=strings("results.comma").join(names[:-1]), last=names[-1])


def _name(context: Context, part: Part) -> str:
    strings = context.strings
    if part.text is not None:
        return strings("part.text", text=part.text)
    name = strings("part.upload") if part.work is None else label_of(context.collection.work(part.work)).title
    return strings("part.region", name=name) if part.region else name


def conditions_of(context: Context, form: SearchForm) -> list[str]:
    """The active filters and limits, each as a phrase."""
    strings = context.strings
    phrases = [
        strings("within.values", column=strings.column(column), values=_condition(condition, strings))
        for column, condition in form.where.items()
    ]
    if form.other:
        phrases.append(strings("within.other", column=strings.column(form.other)))
    if form.at_most:
        column, limit = form.at_most
        phrases.append(strings("within.at-most", column=strings.column(column), most=limit))
    if form.encoder:
        phrases.append(strings("within.encoder", encoder=form.encoder))
    if form.min_score:
        phrases.append(_at_least(form.min_score, strings))
    return phrases


def _at_least(score: float, strings: Strings) -> str:
    """The least score: in words, if one of them begins there."""
    word = next((word for word, least in WORDS.items() if score == least), None)
    if word is None:
        return strings("within.min-score", score=strings.plain(score))
    return strings("within.at-least", word=word_text(word, strings))


def _condition(condition: Any, strings: Strings) -> str:
    if not isinstance(condition, tuple):
        return strings("results.comma").join(map(str, condition))
    low, high = ("" if bound is None else strings.plain(bound) for bound in condition)
    return strings("within.range", low=low, high=high).strip()
