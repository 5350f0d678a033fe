"""Paths: a sequence of works that leads from one work to another in small steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from artsim.analysis.protocol import SearchableCollection
from artsim.encoders.presets import weights_of
from artsim.encoders.protocol import Aspect
from artsim.errors import QueryError
from artsim.search.calibration import scores_of
from artsim.search.match import Word, word_of
from artsim.search.ranking import SpaceQuery
from artsim.snapshot.filters import Where, allowed_rows
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import percentile
from artsim.snapshot.state import find_space

MAX_STEPS = 40
_CANDIDATES = (80, 320)  # per step: few first, then more if no path leads through those


@dataclass(frozen=True)
class PathStep:
    """One work on a path."""

    id: str
    to_start: float
    """Likeness to the first work: weighted cosine of the aspects."""
    to_end: float
    """Likeness to the last work."""
    score: float
    """Of this work and the previous one, as in a match (`artsim.search.match`); 0 for the first."""
    percentile: float
    """Share, in percent, of random pairs of works that are less alike than this work and the previous one; nan for the first."""
    work: Mapping[str, Any] = field(repr=False)

    @property
    def word(self) -> Word:
        """The score in words."""
        return word_of(self.score)


def path(
    collection: SearchableCollection,
    start: str,
    end: str,
    *,
    steps: int = 8,
    aspects: Mapping[Aspect, float] | None = None,
    preset: str | None = None,
    where: Where | None = None,
    encoder: str | None = None,
) -> list[PathStep]:
    """Works from `start` to `end` (ids), both included, in at most `steps` steps: each similar to the previous one.

    Every step is less like the start and more like the end than the previous one; if the collection has no such
    sequence, every step is at least nearer to the end relative to the start. So no work occurs twice. Among these
    sequences, through the works nearest to the points between the two, the one with the smallest jumps is returned (sum
    of squared distances, by dynamic programming). If none is long enough, there are fewer steps.

    `aspects`, `preset`, `where` (for the works between) and `encoder` are those of `Collection.search`. Raises
    `QueryError` if start and end are one work, or `steps` is not a whole number from 2 to 40.
    """
    state = collection.state
    if isinstance(steps, bool) or not isinstance(steps, int) or not 2 <= steps <= MAX_STEPS:
        raise QueryError("steps must be a whole number from 2 to {most}; it is {steps}.", most=MAX_STEPS, steps=steps)
    ends = [state.row_of(identity) for identity in (start, end)]
    if start == end:
        raise QueryError("A path leads from one work to another: name two works.")
    space = find_space(state, encoder)
    shares = space.weigh(weights_of(aspects, preset))
    allowed = allowed_rows(state.table, where)
    allowed = np.ones(len(state), bool) if allowed is None else allowed
    allowed[ends] = False
    rows = [ends[0], *_between(space, shares, ends, steps - 2, allowed), ends[1]]
    vectors = space.index.vectors(np.array(rows))
    weighted = vectors * np.repeat(shares, space.statistics.block_dims)
    likeness = vectors @ weighted.T  # (steps, steps)
    pairs = np.sort(space.statistics.pairs @ shares)
    jumps = [float("nan"), *percentile(pairs, np.diagonal(likeness, -1)).tolist()]
    settings = [SpaceQuery(space, shares, index_vector=vectors[0])]
    steps_taken = np.diagonal(likeness, -1)
    scores = [0.0, *(float(scores_of(settings, one[None], ranking="likeness")[0]) for one in steps_taken)]
    return [
        PathStep(
            id=state.table.column("id")[row].as_py(),
            to_start=float(likeness[position, 0]),
            to_end=float(likeness[position, -1]),
            score=scores[position],
            percentile=jumps[position],
            work=state.work(row),
        )
        for position, row in enumerate(rows)
    ]


def _between(space: Space, shares: np.ndarray, ends: list[int], count: int, allowed: np.ndarray) -> list[int]:
    """Up to `count` rows between two, as many as a path that never turns back allows."""
    factors = np.repeat(shares, space.statistics.block_dims).astype(np.float32)
    first, last = space.index.vectors(np.array(ends)) * factors
    for layers in range(min(count, int(allowed.sum())), 0, -1):
        for strict, candidates in itertools.product((True, False), _CANDIDATES):
            fractions = np.linspace(0, 1, layers + 2)[1:-1, None].astype(np.float32)
            points = (1 - fractions) * first + fractions * last  # (layers, dimension)
            _, found = space.index.search(points, min(candidates, len(allowed)), allowed=allowed)
            layered = [rows[rows >= 0] for rows in found]
            if (between := _smoothest(space, factors, ends, layered, strict=strict)) is not None:
                return between
    return []


def _smoothest(
    space: Space, factors: np.ndarray, ends: list[int], layers: list[np.ndarray], *, strict: bool
) -> list[int] | None:
    """One row of each layer, with the least sum of squared distances from each to the next; None if no path goes forward.

    Forward is away from the start and towards the end: both, if `strict`, else on balance.
    """
    rows, positions = np.unique(np.concatenate([*layers, np.array(ends)]), return_inverse=True)
    vectors = space.index.vectors(rows)
    likeness = vectors @ (vectors * factors).T
    cuts = np.cumsum([len(layer) for layer in layers])
    stages = np.split(positions, cuts)
    start, end = stages.pop()
    stages = [np.array([start]), *stages, np.array([end])]
    to_start, to_end = likeness[start], likeness[end]
    cost, predecessors = np.zeros(1), []
    for stage, next_stage in itertools.pairwise(stages):
        away = to_start[stage][:, None] - to_start[next_stage]
        towards = to_end[next_stage] - to_end[stage][:, None]
        forward = (away > 0) & (towards > 0) if strict else away + towards > 0
        total = np.where(forward, cost[:, None] + 1 - likeness[np.ix_(stage, next_stage)], np.inf)
        predecessors.append(total.argmin(axis=0))
        cost = total.min(axis=0)
    if not np.isfinite(cost[0]):
        return None
    position, reversed_path = 0, []
    for stage, predecessor in zip(stages[-2::-1], predecessors[::-1], strict=True):
        position = int(predecessor[position])
        reversed_path.append(int(rows[stage[position]]))
    return reversed_path[-2::-1]
