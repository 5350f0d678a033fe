"""`Query`, and the search that turns it into matches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from artsim.encoders.presets import RANKINGS, Ranking
from artsim.encoders.protocol import Aspect, Blocks
from artsim.errors import EncoderError, QueryError
from artsim.images.decode import ImageLike
from artsim.search.encoder_selection import AUTO_RULES, DEPTH, AutoRule, best_of, margin, mean_cosine
from artsim.search.fusion import FUSION_RULES, FusionRule, leaders, rank_fused
from artsim.search.match import Match, matches_in
from artsim.search.ranking import SpaceQuery, Target, add_pictures, add_texts, take_within_limits
from artsim.search.timing import timed
from artsim.snapshot.filters import Where, allowed_rows, groups_of, numbered_groups
from artsim.snapshot.space import Space
from artsim.snapshot.state import State

Ranked = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""k -> scores and rows of the k best, best first."""
MAX_K = 1000

SEVERAL = ("auto", "fusion")
"""Encoder modes: choose one encoder per query, or fuse all."""


@dataclass(frozen=True)
class Part:
    """One part of a query, exactly one of `image`, `text` and `work`, to be like (`weight` > 0) or unlike (< 0)."""

    image: ImageLike | None = None
    text: str | None = None
    work: str | None = None
    region: tuple[float, float, float, float] | None = None
    """Of an image or a work: (left, top, right, bottom), as fractions of the picture."""
    weight: float = 1.0


@dataclass(frozen=True)
class Query:
    """A search request. All fields can be combined."""

    parts: tuple[Part, ...]
    aspects: Mapping[Aspect, float]
    where: Where | None = None
    k: int = 10
    ranking: Ranking = "tuned"
    encoder: str | None = None
    """The name of a space, or the id of its encoder; "auto": one encoder per query, selected by the rule `auto`; "fusion":
    all encoders, merged by the rule `fusion`. None: the first encoder; with texts, the first text encoder."""
    auto: AutoRule = "margin"
    fusion: FusionRule = "weighted"
    encoder_weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of each encoder in a fusion, 1 by default; encoders of weight 0 are skipped."""
    other: tuple[str, ...] = ()
    """Columns in which a match must differ from the works of the query, such as `artist`."""
    at_most: Mapping[str, int] = field(default_factory=dict)
    """Column -> how many matches may share one value of it."""
    detail: bool = False
    """Find works that contain the pictures (`artsim.search.regions`). Aspects and ranking are ignored."""


def parts_of(
    image: ImageLike | None, text: str | None, work: str | None, region: tuple[float, float, float, float] | None
) -> tuple[Part, ...]:
    """The given ones of a picture, a text and a work, as parts of a query."""
    parts = [Part(image=image, region=region)] if image is not None else []
    parts += [Part(work=work, region=region)] if work is not None else []
    parts += [Part(text=text)] if text is not None else []
    return tuple(parts)


class Embed(Protocol):
    """Embeds the parts of a query as raw vectors; an encoder is loaded on first use."""

    def images(self, space: Space, parts: Sequence[Part], *, reproductions: bool = False) -> Blocks:
        """`reproductions`: embed the layout for finding the same work, whatever frame or wall is around it."""

    def details(self, space: Space, parts: Sequence[Part]) -> np.ndarray: ...

    def texts(self, space: Space, texts: Sequence[str]) -> np.ndarray: ...

    def reads_words(self, space: Space) -> bool: ...


def run_query(state: State, query: Query, embed: Embed) -> list[Match]:
    """The best `query.k` works, fewer if the filters leave fewer. The works of the query are excluded."""
    with timed("search", query_kind(query)):
        check_query(query, state)
        space_queries = make_space_queries(state, query, embed)
        allowed = allowed_works(state, query)
        with timed("index", query.ranking):
            if query.encoder == "auto":
                chosen, scores, rows = select_encoder(state, space_queries, query, allowed)
                space_queries = [chosen]
            else:
                scores, rows = rank_space_queries(state, space_queries, query, query.k, allowed)
        return _matches(query, state, space_queries, scores, rows)


def query_kind(query: Query) -> str:
    """The kind of a query's parts: "image", "text", "work", or "mixed"."""
    kinds = {name for part in query.parts for name in ("image", "text", "work") if getattr(part, name) is not None}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def run_query_each(state: State, query: Query, embed: Embed, by: str, most: int) -> dict[Any, list[Match]]:
    """Conditional search: the best `query.k` works for each value of the column `by` (or each "century").

    At most `most` values, those with the most works; ordered by their best match (centuries by time).
    """
    check_query(query, state)
    if query.detail:
        raise QueryError(
            "A search for details cannot be grouped by {column}; leave detail out, or filter with where.", column=by
        )
    space_queries = make_space_queries(state, query, embed)
    allowed = allowed_works(state, query)
    if query.encoder == "auto":
        space_queries = [select_encoder(state, space_queries, query, allowed)[0]]
    numbers, values = numbered_groups(state.table, by)
    has_value = numbers >= 0 if allowed is None else (numbers >= 0) & allowed
    counts = np.bincount(numbers[has_value], minlength=len(values))
    if not counts.any():
        raise QueryError("No work that matches the filters has a value in {column!r}.", column=by)
    answers = {}
    for number in np.argsort(-counts, kind="stable")[: min(most, np.count_nonzero(counts))].tolist():
        mask = has_value & (numbers == number)
        # without diffusion, scores are comparable across values
        scores, rows = rank_space_queries(state, space_queries, query, query.k, mask, diffused=False)
        answers[values[number]] = _matches(query, state, space_queries, scores, rows)
    answers = {value: matches for value, matches in answers.items() if matches}
    if by == "century":
        return dict(sorted(answers.items()))
    by_ranks = len(space_queries) > 1 and query.fusion == "reciprocal-rank"  # ranks are not comparable across values
    return dict(sorted(answers.items(), key=lambda item: -(item[1][0].percentile if by_ranks else item[1][0].score)))


def check_query(query: Query, state: State) -> None:
    """Raises `QueryError` for an invalid query, before anything is embedded."""
    if isinstance(query.k, bool) or not isinstance(query.k, int) or not 1 <= query.k <= MAX_K:
        raise QueryError("k must be a whole number from 1 to {most}; it is {k}.", most=MAX_K, k=query.k)
    if query.ranking not in RANKINGS:
        raise QueryError(
            "There is no ranking {ranking!r}; choose among {choices}.", ranking=query.ranking, choices=RANKINGS
        )
    if query.auto not in AUTO_RULES:
        raise QueryError(
            "There is no rule {rule!r} to select an encoder; choose among {choices}.",
            rule=query.auto,
            choices=AUTO_RULES,
        )
    if query.fusion not in FUSION_RULES:
        raise QueryError(
            "There is no fusion {fusion!r}; choose among {choices}.", fusion=query.fusion, choices=FUSION_RULES
        )
    if not query.parts:
        raise QueryError("There is nothing to search for: give an image, a text or a work.")
    for part in query.parts:
        if sum(value is not None for value in (part.image, part.text, part.work)) != 1:
            raise QueryError("Each part of a query must be exactly one of image, text and work.")
        if part.text is not None and not part.text.strip():
            raise QueryError("The text to search for is empty.")
        if not math.isfinite(part.weight) or part.weight == 0:
            raise QueryError("The weight of a part of a query must be a number other than 0.")
        if part.work is not None and part.work not in state.rows:
            raise QueryError("There is no work {work!r} in this collection.", work=part.work)
    if all(part.weight < 0 for part in query.parts):
        raise QueryError(
            "All parts of the query have a negative weight; add at least one picture or text to search for."
        )
    if any(limit < 1 for limit in query.at_most.values()):
        raise QueryError("The number of matches that may share a value must be at least 1.")
    if query.encoder not in (None, *SEVERAL):
        find_space(state, query.encoder)
    weights_between(state, query)


def find_space(state: State, name: str | None) -> Space:
    """The space named `name`, or whose encoder has that id; the first for None. Raises `QueryError` if there is none."""
    for space in state.spaces:
        if name in (None, space.name, space.encoder):
            return space
    names = [space.name for space in state.spaces]
    raise QueryError("There is no encoder {encoder!r}; there are {encoders}.", encoder=name, encoders=names)


def make_space_queries(state: State, query: Query, embed: Embed) -> list[SpaceQuery]:
    """The query in every space that takes part: one, except for "auto" and "fusion".

    Raises `EncoderError` if the query has texts and no encoder embeds texts.
    """
    spaces = state.spaces if query.encoder in (None, *SEVERAL) else (find_space(state, query.encoder),)
    weights = weights_between(state, query)
    if query.encoder == "fusion":
        spaces = tuple(space for space in spaces if weights[space.name] > 0)
    if len(spaces) > 1 and any(part.text is not None for part in query.parts):
        spaces = tuple(space for space in spaces if embed.reads_words(space))
        if not spaces:
            raise EncoderError(
                "None of the encoders of this collection ({encoders}) embeds text. Search with a picture, or build it"
                " with a CLIP or SigLIP encoder as well.",
                encoders=[space.name for space in state.spaces],
            )
    if query.encoder is None:
        spaces = spaces[:1]
    return [SpaceQuery(space, find_target(state, space, query, embed), weights[space.name]) for space in spaces]


def weights_between(state: State, query: Query) -> dict[str, float]:
    """The weight of each space in a fusion, by name. Raises `QueryError` for invalid weights."""
    weights = {space.name: 1.0 for space in state.spaces}
    for name, weight in query.encoder_weights.items():
        if not isinstance(weight, int | float) or not math.isfinite(weight) or weight < 0:
            raise QueryError(
                "The weight of an encoder must be a number of 0 or more; that of {encoder} is {weight!r}.",
                encoder=name,
                weight=weight,
            )
        weights[find_space(state, name).name] = float(weight)
    if not any(weights.values()):
        raise QueryError("All weights of encoders are 0; give at least one of them more than 0.")
    return weights


def select_encoder(
    state: State, space_queries: Sequence[SpaceQuery], query: Query, allowed: np.ndarray | None
) -> tuple[SpaceQuery, np.ndarray, np.ndarray]:
    """The best of `space_queries` by the rule `query.auto`, with its scores and rows."""
    k = max(query.k, DEPTH)
    answers = [rank_space_queries(state, [item], query, k, allowed) for item in space_queries]
    if query.auto == "margin":
        values = [margin(item, rows, query.ranking) for item, (_, rows) in zip(space_queries, answers, strict=True)]
    else:
        values = [mean_cosine(item, rows[: query.k]) for item, (_, rows) in zip(space_queries, answers, strict=True)]
    best = best_of(values)
    scores, rows = answers[best]
    return space_queries[best], scores[: query.k], rows[: query.k]


def find_target(state: State, space: Space, query: Query, embed: Embed) -> Target:
    """Embed the parts of the query and add them up; the vectors of whole works are looked up in the space."""
    target = Target(space.statistics.weigh(query.aspects))
    pictures = [part for part in query.parts if part.text is None]
    words = [part for part in query.parts if part.text is not None]
    fresh = [part for part in pictures if part.work is None or part.region is not None]
    known = [part for part in pictures if part.work is not None and part.region is None]
    index_vectors, raw = [], []
    if fresh:
        blocks = embed.images(space, fresh, reproductions=query.aspects.get("layout", 0) > 0)
        index_vectors.append(space.statistics.index_vectors(blocks))
        raw.append(blocks["subject"])
    if known:
        rows = np.array([state.rows[part.work or ""] for part in known])
        index_vectors.append(space.index.vectors(rows))
        raw.append(space.raw_subject.vectors(rows))
    if pictures:
        weights = _weights([*fresh, *known])
        sums = add_pictures(space, np.concatenate(index_vectors), np.concatenate(raw), weights)
        target = replace(target, index_vector=sums[0], raw=sums[1])
    if words:
        vectors = embed.texts(space, [part.text or "" for part in words])
        combined, weight = add_texts(vectors, _weights(words))
        target = replace(target, words=combined, word_weight=weight)
    return target


def _weights(parts: Sequence[Part]) -> np.ndarray:
    return np.array([part.weight for part in parts], np.float32)


def allowed_works(state: State, query: Query) -> np.ndarray | None:
    """(n,) bool: the works that pass the filters, without those of the query; None if all do."""
    allowed = allowed_rows(state.table, query.where)
    query_rows = [state.rows[part.work] for part in query.parts if part.work is not None]
    if not query_rows:
        return allowed
    allowed = np.ones(len(state), bool) if allowed is None else allowed
    allowed[query_rows] = False
    for column in query.other:
        numbers, _ = numbered_groups(state.table, column)
        avoided = numbers[query_rows]
        allowed &= ~np.isin(numbers, avoided[avoided >= 0])
    return allowed


def rank_space_queries(
    state: State,
    space_queries: Sequence[SpaceQuery],
    query: Query,
    k: int,
    allowed: np.ndarray | None,
    *,
    diffused: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows of the `k` best within the query's limits, best first; several spaces are fused."""

    def ranked(depth: int) -> tuple[np.ndarray, np.ndarray]:
        return rank_fused(space_queries, query.fusion, query.ranking, depth, allowed, diffused=diffused)

    return within_limits(state, query, k, ranked)


def within_limits(state: State, query: Query, k: int, ranked: Ranked) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows of the `k` best that satisfy `query.at_most`, searching deeper in the ranking where needed."""
    if not query.at_most:
        return ranked(k)
    depth, total = 10 * k, len(state)
    while True:
        scores, rows = ranked(min(depth, total))
        groups = [groups_of(state.table, column, rows) for column in query.at_most]
        taken = take_within_limits(groups, list(query.at_most.values()), k)
        if len(taken) == k or depth >= total:
            return scores[taken], rows[taken]
        depth *= 4


def _matches(
    query: Query, state: State, space_queries: Sequence[SpaceQuery], scores: np.ndarray, rows: np.ndarray
) -> list[Match]:
    """The matches of one space, or of several fused: then each has the figures of its leading space."""
    if len(space_queries) == 1 or not len(rows):
        return matches_in(state, space_queries[0], scores, rows)
    leading = leaders(space_queries, query.ranking, rows)
    matches = []
    for number, space_query in enumerate(space_queries):
        ranks = np.flatnonzero(leading == number)
        of_space = matches_in(state, space_query, scores[ranks], rows[ranks])
        matches += [replace(match, rank=int(rank) + 1) for match, rank in zip(of_space, ranks, strict=True)]
    return sorted(matches, key=lambda match: match.rank)
