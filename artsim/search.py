"""A query, a match, and how one becomes the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np

from artsim.contents import Contents, IndexedSpace
from artsim.encoders.base import Aspect, Blocks
from artsim.errors import QueryError
from artsim.filters import Where, allowed_rows, groups_of
from artsim.images import ImageLike
from artsim.ranking import Target, add_pictures, add_texts, rank_likeness, rank_textbook, rank_tuned, spread
from artsim.space import percentile

Rank = Callable[[IndexedSpace, Target, int, np.ndarray | None], tuple[np.ndarray, np.ndarray]]
Ranking = Literal["tuned", "likeness", "cosine"]
RANKINGS: tuple[Ranking, ...] = ("tuned", "likeness", "cosine")
MAX_K = 1000
_CLOSE = 0.5  # the quantile of the works' own nearness to their ten nearest from which on a match counts as close

PRESETS: Mapping[str, Mapping[Aspect, float]] = MappingProxyType(
    {
        "balanced": {"subject": 0.2, "style": 0.8, "color": 0.0, "layout": 0.0},
        "style": {"subject": 0.0, "style": 1.0, "color": 0.0, "layout": 0.0},
        "subject": {"subject": 1.0, "style": 0.0, "color": 0.0, "layout": 0.0},
        "color": {"subject": 0.0, "style": 0.3, "color": 0.7, "layout": 0.0},
        "same-work": {"subject": 0.0, "style": 0.0, "color": 0.0, "layout": 1.0},
    }
)
PRESET_RANKINGS: Mapping[str, Ranking] = MappingProxyType({"same-work": "likeness"})
"""The rankings of presets that do not use the tuned one: what is the same work is so however many works resemble it."""


@dataclass(frozen=True)
class Part:
    """One thing the answer should be like (`weight` > 0) or unlike (< 0): exactly one of `image`, `text` and `work`."""

    image: ImageLike | None = None
    text: str | None = None
    work: str | None = None
    region: tuple[float, float, float, float] | None = None
    """(left, top, right, bottom), fractions of the picture, of an image or a work."""
    weight: float = 1.0


@dataclass(frozen=True)
class Query:
    """What is asked. All of it combines."""

    parts: tuple[Part, ...]
    aspects: Mapping[Aspect, float]
    where: Where | None = None
    k: int = 10
    ranking: Ranking = "tuned"
    space: str | None = None
    other: tuple[str, ...] = ()
    """Columns in which an answer must differ from the works of the query, such as `artist`."""
    at_most: Mapping[str, int] = field(default_factory=dict)
    """Column -> how many answers may share one value of it."""


@dataclass(frozen=True)
class Match:
    """One answer."""

    rank: int
    id: str
    score: float
    """What the matches are ordered by; comparable only within one answer. For "cosine" it is the cosine."""
    cosine: float
    """Plain cosine of the raw subject vectors, in -1..1."""
    angular_distance: float
    """`sqrt(2 (1 - cosine))`, in 0..2."""
    percentile: float
    """Share, in percent, of random pairs of works that are less alike than the query and this work.

    For a text alone: the share of the collection's works that the text fits less well.
    """
    aspects: Mapping[Aspect, float] = field(repr=False)
    """Centred cosine per aspect (for a text: the raw cosine, as `subject`)."""
    aspect_percentiles: Mapping[Aspect, float] = field(repr=False)
    close: bool
    """Whether it is as near as a typical work of this collection is to its ten nearest."""
    work: Mapping[str, Any] = field(repr=False)
    row: int = field(repr=False)


class Embed(Protocol):
    """How the collection turns the parts of a query into raw vectors (its encoder is loaded on first use)."""

    def images(self, space: IndexedSpace, parts: Sequence[Part]) -> Blocks: ...

    def texts(self, space: IndexedSpace, texts: Sequence[str]) -> np.ndarray: ...


def run_query(contents: Contents, query: Query, embed: Embed) -> list[Match]:
    """The best `query.k` works, or all that the filters leave. Works named in the query are not among the answers."""
    check_query(query, contents)
    indexed = choose_space(contents, query.space)
    target = find_target(contents, indexed, query, embed)
    allowed = _allowed(contents, query)
    scores, rows = _rank(contents, indexed, query, target, allowed)
    return _matches(contents, indexed, target, scores, rows)


def run_query_each(contents: Contents, query: Query, embed: Embed, by: str, most: int) -> dict[Any, list[Match]]:
    """Conditional search: the best `query.k` works for each value of the column `by` (or each "century"), side by side.

    At most `most` values, those with the most works; in the order of their best match (centuries in theirs).
    """
    check_query(query, contents)
    indexed = choose_space(contents, query.space)
    target = find_target(contents, indexed, query, embed)
    allowed = _allowed(contents, query)
    groups = np.array(groups_of(contents.table, by), dtype=object)
    counted: dict[Any, int] = {}
    for row in np.flatnonzero(allowed) if allowed is not None else range(len(contents)):
        if groups[row] is not None:
            counted[groups[row]] = counted.get(groups[row], 0) + 1
    if not counted:
        raise QueryError(f"No work that the filters leave has a value in {by!r}.")
    answers = {}
    for value in sorted(counted, key=lambda value: -counted[value])[:most]:
        mask = groups == value if allowed is None else (groups == value) & allowed
        scores, rows = _rank(contents, indexed, query, target, mask, diffused=False)  # comparable across values
        answers[value] = _matches(contents, indexed, target, scores, rows)
    answers = {value: matches for value, matches in answers.items() if matches}
    in_time = by == "century"
    return dict(sorted(answers.items(), key=lambda item: item[0] if in_time else -item[1][0].score))


def check_query(query: Query, contents: Contents) -> None:
    """`QueryError` for what no search can answer, before anything is embedded."""
    if isinstance(query.k, bool) or not isinstance(query.k, int) or not 1 <= query.k <= MAX_K:
        raise QueryError(f"k must be a whole number from 1 to {MAX_K}; it is {query.k}.")
    if query.ranking not in RANKINGS:
        raise QueryError(f"There is no ranking {query.ranking!r}; choose among {', '.join(RANKINGS)}.")
    if not query.parts:
        raise QueryError("There is nothing to search for: give an image, a text or a work.")
    for part in query.parts:
        if sum(value is not None for value in (part.image, part.text, part.work)) != 1:
            raise QueryError("Each part of a query is exactly one of image, text and work.")
        if part.text is not None and not part.text.strip():
            raise QueryError("The text to search for is empty.")
        if not math.isfinite(part.weight) or part.weight == 0:
            raise QueryError("The weight of a part of a query must be a number other than 0.")
        if part.work is not None and part.work not in contents.rows:
            raise QueryError(f"There is no work {part.work!r} in this collection.")
    if all(part.weight < 0 for part in query.parts):
        raise QueryError("Everything in the query is against; add at least one picture or text to be like.")
    if any(limit < 1 for limit in query.at_most.values()):
        raise QueryError("The number of answers that may share a value must be at least 1.")


def choose_space(contents: Contents, name: str | None) -> IndexedSpace:
    """The space called `name`, by default the first."""
    if name is None:
        return contents.spaces[0]
    for indexed in contents.spaces:
        if indexed.name == name:
            return indexed
    raise QueryError(f"There is no space {name!r}; there are {', '.join(space.name for space in contents.spaces)}.")


def find_target(contents: Contents, indexed: IndexedSpace, query: Query, embed: Embed) -> Target:
    """The parts of the query, embedded (whole works of the collection are looked up instead) and added up."""
    target = Target(indexed.space.weigh(query.aspects))
    pictures = [part for part in query.parts if part.text is None]
    words = [part for part in query.parts if part.text is not None]
    fresh = [part for part in pictures if part.work is None or part.region is not None]
    known = [part for part in pictures if part.work is not None and part.region is None]
    placed, raw = [], []
    if fresh:
        blocks = embed.images(indexed, fresh)
        placed.append(indexed.space.place(blocks))
        raw.append(blocks["subject"])
    if known:
        rows = np.array([contents.rows[part.work or ""] for part in known])
        placed.append(indexed.index.vectors(rows))
        raw.append(indexed.raw_subject.vectors(rows))
    if pictures:
        weights = _weights([*fresh, *known])
        sums = add_pictures(indexed, np.concatenate(placed), np.concatenate(raw), weights)
        target = replace(target, placed=sums[0], raw=sums[1])
    if words:
        vectors = embed.texts(indexed, [part.text or "" for part in words])
        combined, weight = add_texts(vectors, _weights(words))
        target = replace(target, words=combined, word_weight=weight)
    return target


def _weights(parts: Sequence[Part]) -> np.ndarray:
    return np.array([part.weight for part in parts], np.float32)


def _allowed(contents: Contents, query: Query) -> np.ndarray | None:
    """(n,) bool: what filters, and the works of the query themselves, leave; None for everything."""
    allowed = allowed_rows(contents.table, query.where)
    own = [contents.rows[part.work] for part in query.parts if part.work is not None]
    if not own:
        return allowed
    allowed = np.ones(len(contents), bool) if allowed is None else allowed
    allowed[own] = False
    for column in query.other:
        groups = groups_of(contents.table, column)
        avoided = {groups[row] for row in own} - {None}
        allowed &= np.array([value not in avoided for value in groups])
    return allowed


def _rank(
    contents: Contents,
    indexed: IndexedSpace,
    query: Query,
    target: Target,
    allowed: np.ndarray | None,
    *,
    diffused: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows, best first; with limits, further down the ranking until `k` keep to them."""
    rank: Rank
    if query.ranking == "cosine" or target.placed is None:
        rank = rank_textbook
    else:
        rank = rank_likeness if query.ranking == "likeness" else partial(rank_tuned, diffused=diffused)
    if not query.at_most:
        return rank(indexed, target, query.k, allowed)
    groups = [groups_of(contents.table, column) for column in query.at_most]
    depth, everything = 10 * query.k, len(contents)
    while True:
        scores, rows = rank(indexed, target, min(depth, everything), allowed)
        taken = spread(rows, groups, list(query.at_most.values()), query.k)
        if len(taken) == query.k or depth >= everything:
            return scores[taken], rows[taken]
        depth *= 4


def _matches(
    contents: Contents, indexed: IndexedSpace, target: Target, scores: np.ndarray, rows: np.ndarray
) -> list[Match]:
    """Every score that a person may want to see, for the rows that were found."""
    if not len(rows):
        return []
    space = indexed.space
    reference = target.raw if target.raw is not None else target.words
    cosine = np.clip(indexed.raw_subject.vectors(rows) @ reference, -1, 1)
    aspects: tuple[Aspect, ...]
    if target.placed is None:  # a text alone has no style and no colour
        everything = np.sort(indexed.raw_subject.vectors(np.arange(len(contents))) @ reference)
        aspects, values = ("subject",), cosine[:, None]
        percentiles = percentile(everything, cosine)
        by_aspect, close = percentiles[:, None], np.ones(len(rows), bool)
    else:
        aspects, query = space.aspects, space.split(target.placed[None])
        blocks = space.split(indexed.index.vectors(rows))
        values = np.stack([blocks[aspect] @ query[aspect][0] for aspect in aspects], axis=1)
        likeness = values @ target.shares
        percentiles = percentile(np.sort(space.pairs @ target.shares), likeness)
        columns = [percentile(np.sort(space.pairs[:, i]), values[:, i]) for i in range(len(aspects))]
        by_aspect = np.stack(columns, axis=1)
        close = likeness >= np.quantile(space.density @ target.shares, _CLOSE)
    return [
        Match(
            rank=i + 1,
            id=contents.table.column("id")[row].as_py(),
            score=float(scores[i]),
            cosine=float(cosine[i]),
            angular_distance=math.sqrt(2 * (1 - float(cosine[i]))),
            percentile=float(percentiles[i]),
            aspects=dict(zip(aspects, values[i].tolist(), strict=True)),
            aspect_percentiles=dict(zip(aspects, by_aspect[i].tolist(), strict=True)),
            close=bool(close[i]),
            work=contents.work(row),
            row=row,
        )
        for i, row in enumerate(rows.tolist())
    ]
