"""A question of the search page -> its answer, and what to call it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artsim.encoders.presets import PRESET_RANKINGS, weights_of
from artsim.messages.strings import Strings
from artsim.search.engine import Part, Query
from artsim.search.match import Match
from artsim.snapshot.filters import Where
from artsim.ui.context import Context
from artsim.ui.error_text import Spoken
from artsim.ui.labels import label_of
from artsim.ui.search_form import Question

PER_GROUP = 5
"""Works that are shown for each value, of the nearest in each."""


@dataclass(frozen=True)
class Group:
    """Matches under one heading."""

    value: Any
    """The value of the column that all of them share, a century as its first year; None where nothing is grouped."""
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Answer:
    question: Question
    groups: tuple[Group, ...]

    @property
    def matches(self) -> list[Match]:
        return [match for group in self.groups for match in group.matches]

    @property
    def by_text(self) -> bool:
        """Whether it was asked in words alone."""
        return all(part.text is not None for part in self.question.parts)


def find(context: Context, question: Question) -> Answer:
    """The answer. `ArtsimError` with a sentence when there can be none."""
    query = _query(context, question)
    if question.by is not None and question.contains:
        raise Spoken(context.strings("results.detail-by"))
    if question.by is None:
        return Answer(question, (Group(None, tuple(context.collection.run(query))),))
    found = context.collection.run_each(replace(query, k=min(question.k, PER_GROUP)), by=question.by)
    return Answer(question, tuple(Group(value, tuple(matches)) for value, matches in found.items()))


def _query(context: Context, question: Question) -> Query:
    preset = question.preset
    ranking = PRESET_RANKINGS.get(preset or "", question.ranking) if question.ranking == "tuned" else question.ranking
    return Query(
        parts=tuple(_with_bytes(part, context.strings) for part in question.parts),
        aspects=weights_of(None if preset else question.weights, preset),
        where=question.where,
        k=question.k,
        ranking=ranking,  # type: ignore[arg-type]  # checked by the search
        encoder=question.encoder,
        other=(question.other,) if question.other else (),
        at_most=dict([question.at_most]) if question.at_most else {},
        detail=question.contains,
    )


def _with_bytes(part: Part, strings: Strings) -> Part:
    return replace(part, image=read_upload(part.image, strings)) if isinstance(part.image, Path) else part


def read_upload(path: Path, strings: Strings) -> bytes:
    """The bytes of an upload, so that no message can name where it lay."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Spoken(strings("notice.gone")) from error


def heading_of(context: Context, question: Question) -> str:
    """What the answer is called."""
    strings, parts = context.strings, question.parts
    liked = [_name(context, part) for part in parts if part.weight > 0]
    unliked = [_name(context, part) for part in parts if part.weight < 0]
    if len(parts) == 1 and parts[0].text is not None:
        return strings("results.of.text", text=parts[0].text)
    if question.contains and not unliked:
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


def conditions_of(context: Context, question: Question) -> list[str]:
    """The filters and limits that are in force, each as a person would say it."""
    strings = context.strings
    said = [
        strings("within.values", column=strings.column(column), values=_condition(condition, strings))
        for column, condition in _closed(question.where).items()
    ]
    if question.other:
        said.append(strings("within.other", column=strings.column(question.other)))
    if question.at_most:
        column, most = question.at_most
        said.append(strings("within.at-most", column=strings.column(column), most=most))
    if question.encoder:
        said.append(strings("within.encoder", encoder=question.encoder))
    return said


def _closed(where: Where) -> Where:
    return {column: condition for column, condition in where.items() if condition}


def _condition(condition: Any, strings: Strings) -> str:
    if not isinstance(condition, tuple):
        return strings("results.comma").join(map(str, condition))
    low, high = ("" if bound is None else strings.plain(bound) for bound in condition)
    return strings("within.range", low=low, high=high).strip()


def group_name(context: Context, by: str, value: Any) -> str:
    """The heading of a group: a value of the column, or a century."""
    return context.strings("results.century", year=value) if by == "century" else str(value)
