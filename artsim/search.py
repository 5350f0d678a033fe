"""A query, a match, and how one becomes the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np

from artsim.contents import Contents, IndexedSpace
from artsim.encoders.base import Aspect, Blocks, unit_rows
from artsim.errors import QueryError
from artsim.filters import Where, allowed_rows
from artsim.images import ImageLike
from artsim.space import percentile

Ranking = Literal["tuned", "cosine"]
RANKINGS: tuple[Ranking, ...] = ("tuned", "cosine")
MAX_K = 1000
_CANDIDATES = 300  # from the index, before CSLS puts them in their final order
_CLOSE = 0.05  # the quantile of the works' own nearness to their neighbours under which nothing counts as close

PRESETS: Mapping[str, Mapping[Aspect, float]] = MappingProxyType(
    {
        "balanced": {"subject": 1.0, "style": 1.0, "color": 0.0},
        "style": {"subject": 0.0, "style": 1.0, "color": 0.0},
        "subject": {"subject": 1.0, "style": 0.0, "color": 0.0},
        "color": {"subject": 0.0, "style": 0.0, "color": 1.0},
        "same-work": {"subject": 1.0, "style": 0.0, "color": 0.0},
    }
)


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
    parts: tuple[Part, ...]
    aspects: Mapping[Aspect, float]
    where: Where | None = None
    k: int = 10
    ranking: Ranking = "tuned"
    space: str | None = None


@dataclass(frozen=True)
class Match:
    """One answer."""

    rank: int
    id: str
    score: float
    """What the matches are ordered by: CSLS for "tuned", the cosine for "cosine"."""
    cosine: float
    """Plain cosine of the raw subject vectors, in -1..1."""
    angular_distance: float
    """`sqrt(2 (1 - cosine))`, in 0..2."""
    percentile: float
    """Share, in percent, of random pairs of works that are less alike than the query and this work."""
    aspects: Mapping[Aspect, float] = field(repr=False)
    """Centred cosine per aspect."""
    aspect_percentiles: Mapping[Aspect, float] = field(repr=False)
    close: bool
    """Whether it is as near as works of this collection usually are to their neighbours."""
    work: Mapping[str, Any] = field(repr=False)
    row: int = field(repr=False)


class Embed(Protocol):
    """How the collection turns the parts of a query into raw vectors (its encoder is loaded on first use)."""

    def images(self, space: IndexedSpace, parts: Sequence[Part]) -> Blocks: ...

    def texts(self, space: IndexedSpace, texts: Sequence[str]) -> np.ndarray: ...


def check_query(query: Query, contents: Contents) -> None:
    """`QueryError` for what no search can answer, before anything is embedded."""
    if isinstance(query.k, bool) or not isinstance(query.k, int) or not 1 <= query.k <= MAX_K:
        raise QueryError(f"k must be a whole number from 1 to {MAX_K}; it is {query.k}.")
    if query.ranking not in RANKINGS:
        raise QueryError(f"There is no ranking {query.ranking!r}; choose tuned or cosine.")
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


def run_query(contents: Contents, query: Query, embed: Embed) -> list[Match]:
    """The best `query.k` works, or all that the filters leave. Works named in the query are not among the answers."""
    check_query(query, contents)
    indexed = _choose_space(contents, query.space)
    shares = indexed.space.weigh(query.aspects)
    allowed = allowed_rows(contents.table, query.where)
    own = [contents.rows[part.work] for part in query.parts if part.work is not None]
    if own:
        allowed = np.ones(len(contents), bool) if allowed is None else allowed
        allowed[own] = False
    pictures = [part for part in query.parts if part.text is None]
    words = [part for part in query.parts if part.text is not None]
    seen = _see(contents, indexed, pictures, embed)
    said = _Said(embed.texts(indexed, [part.text or "" for part in words]), _weights(words)) if words else None
    if query.ranking == "cosine" or seen is None:
        scores, rows = _rank_textbook(indexed, query.k, allowed, seen, said)
    else:
        scores, rows = _rank_tuned(indexed, query.k, allowed, shares, seen, said)
    return _matches(contents, indexed, shares, scores, rows, seen, said)


@dataclass(frozen=True)
class _Seen:
    """The pictures of a query, combined: `placed` (dimension,) with unit blocks, `raw` (d,) unit subject vector."""

    placed: np.ndarray
    raw: np.ndarray


@dataclass(frozen=True)
class _Said:
    """The texts of a query: `raw` (texts, d) unit rows and their weights."""

    raw: np.ndarray
    weights: np.ndarray

    @property
    def combined(self) -> np.ndarray:
        """(d,) unit vector."""
        return unit_rows(self.weights @ self.raw)


def _weights(parts: Sequence[Part]) -> np.ndarray:
    return np.array([part.weight for part in parts], np.float32)


def _choose_space(contents: Contents, name: str | None) -> IndexedSpace:
    if name is None:
        return contents.spaces[0]
    for indexed in contents.spaces:
        if indexed.name == name:
            return indexed
    raise QueryError(f"There is no space {name!r}; there are {', '.join(space.name for space in contents.spaces)}.")


def _see(contents: Contents, indexed: IndexedSpace, parts: Sequence[Part], embed: Embed) -> _Seen | None:
    """Pictures for and against, added up by weight, aspect by aspect (whole works are not embedded again)."""
    if not parts:
        return None
    fresh = [part for part in parts if part.work is None or part.region is not None]
    known = [part for part in parts if part.work is not None and part.region is None]
    placed, raw, weights = [], [], []
    if fresh:
        blocks = embed.images(indexed, fresh)
        placed.append(indexed.space.place(blocks))
        raw.append(blocks["subject"])
        weights.append(_weights(fresh))
    if known:
        rows = np.array([contents.rows[part.work or ""] for part in known])
        placed.append(indexed.index.vectors(rows))
        raw.append(indexed.raw_subject.vectors(rows))
        weights.append(_weights(known))
    weight = np.concatenate(weights)
    combined = {
        aspect: unit_rows(weight @ block) for aspect, block in indexed.space.split(np.concatenate(placed)).items()
    }
    summed = weight @ np.concatenate(raw)
    if np.linalg.norm(summed) < 1e-6:
        raise QueryError("The pictures for and against cancel out; change a weight, or leave one of them out.")
    return _Seen(np.concatenate(list(combined.values())), unit_rows(summed))


def _rank_textbook(
    indexed: IndexedSpace, k: int, allowed: np.ndarray | None, seen: _Seen | None, said: _Said | None
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows by the inner product of raw subject vectors; pictures and texts simply add up."""
    vector = np.zeros(indexed.raw_subject.dimension, np.float32)
    if seen is not None:
        vector += seen.raw
    if said is not None:
        vector += said.weights @ said.raw
    scores, rows = indexed.raw_subject.search(unit_rows(vector)[None], k, allowed=allowed)
    return scores[0], rows[0]


def _rank_tuned(
    indexed: IndexedSpace,
    k: int,
    allowed: np.ndarray | None,
    shares: np.ndarray,
    seen: _Seen,
    said: _Said | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates from the index, then CSLS; texts are added in units of their own spread over the collection."""
    wanted = max(_CANDIDATES, 4 * k)
    query = indexed.space.query_vector(seen.placed, shares)
    _, rows = indexed.index.search(query[None], wanted, allowed=allowed)
    found = rows[0][rows[0] >= 0]
    if said is not None:
        _, more = indexed.raw_subject.search(said.combined[None], wanted, allowed=allowed)
        found = np.union1d(found, more[0][more[0] >= 0])
    if not len(found):
        return np.zeros(0, np.float32), found
    tuned = 2 * (indexed.index.vectors(found) @ query) - indexed.space.density[found] @ shares
    if said is not None:
        tuned = _standard(tuned) + float(said.weights.sum()) * _standard(
            indexed.raw_subject.vectors(found) @ said.combined
        )
    order = np.argsort(-tuned, kind="stable")[:k]
    return tuned[order], found[order]


def _standard(scores: np.ndarray) -> np.ndarray:
    """Mean 0, standard deviation 1: cosines of pictures and of words differ in both, whatever they mean."""
    return (scores - scores.mean()) / max(float(scores.std()), 1e-6)


def _matches(
    contents: Contents,
    indexed: IndexedSpace,
    shares: np.ndarray,
    scores: np.ndarray,
    rows: np.ndarray,
    seen: _Seen | None,
    said: _Said | None,
) -> list[Match]:
    """Every score that a person may want to see, for the rows that were found."""
    rows = rows[rows >= 0]
    if not len(rows):
        return []
    space = indexed.space
    raw = indexed.raw_subject.vectors(rows)
    cosine = np.clip(raw @ (seen.raw if seen is not None else said.combined if said is not None else 0), -1, 1)
    if seen is None:
        assert said is not None
        return _text_matches(contents, indexed, scores, rows, cosine, said)
    blocks, query = space.split(indexed.index.vectors(rows)), space.split(seen.placed[None])
    aspects = np.stack([blocks[aspect] @ query[aspect][0] for aspect in space.aspects], axis=1)  # (k, aspects)
    percentiles = percentile(np.sort(space.pairs @ shares), aspects @ shares)
    by_aspect = np.stack([percentile(np.sort(space.pairs[:, i]), aspects[:, i]) for i in range(aspects.shape[1])], 1)
    threshold = np.quantile(space.density @ shares, _CLOSE)
    return [
        Match(
            rank=rank,
            id=contents.table.column("id")[row].as_py(),
            score=float(scores[rank - 1]),
            cosine=float(cosine[rank - 1]),
            angular_distance=math.sqrt(2 * (1 - float(cosine[rank - 1]))),
            percentile=float(percentiles[rank - 1]),
            aspects=dict(zip(space.aspects, aspects[rank - 1].tolist(), strict=True)),
            aspect_percentiles=dict(zip(space.aspects, by_aspect[rank - 1].tolist(), strict=True)),
            close=bool(aspects[rank - 1] @ shares >= threshold),
            work=contents.work(row),
            row=row,
        )
        for rank, row in enumerate(rows.tolist(), start=1)
    ]


def _text_matches(
    contents: Contents, indexed: IndexedSpace, scores: np.ndarray, rows: np.ndarray, cosine: np.ndarray, said: _Said
) -> list[Match]:
    """A text has no style and no colour; its percentile is among all works of the collection."""
    everything = indexed.raw_subject.vectors(np.arange(len(contents))) @ said.combined
    percentiles = percentile(np.sort(everything), cosine)
    return [
        Match(
            rank=rank,
            id=contents.table.column("id")[row].as_py(),
            score=float(scores[rank - 1]),
            cosine=float(cosine[rank - 1]),
            angular_distance=math.sqrt(2 * (1 - float(cosine[rank - 1]))),
            percentile=float(percentiles[rank - 1]),
            aspects={"subject": float(cosine[rank - 1])},
            aspect_percentiles={"subject": float(percentiles[rank - 1])},
            close=True,
            work=contents.work(row),
            row=row,
        )
        for rank, row in enumerate(rows.tolist(), start=1)
    ]
