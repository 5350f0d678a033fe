"""Fit the calibration of a space: works are searched with, as a visitor would search with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from artsim.encoders.presets import Ranking
from artsim.index import ExactIndex, sample_rows
from artsim.search.encoder_selection import spread_of
from artsim.search.fusion import FusionRule, rank_fused
from artsim.search.ranking import SpaceQuery
from artsim.snapshot.calibration import Calibration, places
from artsim.snapshot.space import Space

FIRST = 10  # works of each list that are compared with
_SAMPLE = 128  # works whose lists are
_AT_ONCE = 5_000  # works that are compared as one matrix
_SEARCHES = 32  # works whose lists are found by whole searches, to measure diffusion
_PLACES = 256
_STORED = FIRST + 2  # works near to a work that are stored per weights
_NEAREST = 16  # works by raw cosine that may be among the nearest by uncentred cosine
_RELATED = 5  # which of the nearest works counts as familiar
_UNUSUAL = 0.01  # quantile
_FAMILIAR_ALONE = 0.5  # cosine to a single work, which has no others to compare with
_IDENTICAL = 8  # works whose number for their own picture is averaged


def fit_calibration(space: Space) -> Calibration:
    """The calibration of a space. Takes some hundred searches: tenths of a second for a thousand works, seconds for a million."""
    n, none = len(space), np.zeros(0, np.float32)
    if n < 2:
        return Calibration(np.arange(n), np.zeros((n, 0), np.int64), none, none, 1.0, _FAMILIAR_ALONE, n)
    sample = sample_rows(n, 2 * _SAMPLE)
    works = sample if n <= _SAMPLE else sample[::2]
    by_cosine = _near_by_cosine(space, sample)
    near = _near(space, works, by_cosine if n <= _SAMPLE else by_cosine[::2])
    outstanding, identical = _outstanding(space, works, near)
    familiar = _least_familiar(space, sample, by_cosine)
    return Calibration(works, near, _lift(space, works, near), outstanding, identical, familiar, n)


def own_numbers(
    queries: Sequence[SpaceQuery],
    works: np.ndarray,
    *,
    ranking: Ranking,
    fusion: FusionRule = "weighted",
    near: Sequence[np.ndarray] | None = None,
    diffused: bool = False,
) -> np.ndarray:
    """(m,): the numbers that order the first works that each of `works` finds, by the settings of `queries`.

    Among the works `near` to each (rows, -1 for none), or all others.
    """
    n = len(queries[0].space)
    allowed = np.full(n, near is None)
    found = [np.zeros(0)]
    for position, own in enumerate(_own_queries(queries, works)):
        others = None if near is None else near[position][near[position] >= 0]
        if others is None:
            allowed[works[position]] = False
        else:
            allowed[others] = True
        found.append(rank_fused(own, fusion, ranking, FIRST, allowed, diffused=diffused)[0])
        if others is None:
            allowed[works[position]] = True
        else:
            allowed[others] = False
    return np.concatenate(found)


def identical_number(queries: Sequence[SpaceQuery], works: np.ndarray, *, ranking: Ranking) -> float:
    """The number of a work for its own picture, on average."""
    numbers = []
    for row, own in zip(works[:_IDENTICAL], _own_queries(queries, works[:_IDENTICAL]), strict=True):
        allowed = np.zeros(len(queries[0].space), bool)
        allowed[row] = True
        numbers.append(rank_fused(own, "weighted", ranking, 1, allowed, diffused=False)[0][0])
    return float(np.mean(numbers)) if numbers else 1.0


def _own_queries(queries: Sequence[SpaceQuery], works: np.ndarray) -> Iterator[list[SpaceQuery]]:
    """The query of each work in every space; texts, where the settings weigh them, that fit as well as the picture."""
    vectors = [item.space.index.vectors(works) for item in queries]
    plain = [item.space.plain(works) for item in queries]
    for position in range(len(works)):
        yield [
            replace(
                item, index_vector=own[position], raw=raw[position], words=raw[position] if item.word_weight else None
            )
            for item, own, raw in zip(queries, vectors, plain, strict=True)
        ]


def _near(space: Space, works: np.ndarray, by_cosine: np.ndarray) -> np.ndarray:
    """(works, m) int: the works nearest to each by any weights: by each aspect, by all alike, as balanced, and by raw cosine."""
    statistics, n = space.statistics, len(space)
    count = len(statistics.aspects)
    settings = [*np.eye(count, dtype=np.float32), np.full(count, 1 / count, np.float32), balanced_shares(space)]
    vectors = space.index.vectors(works)
    index = ExactIndex(space.index.vectors(np.arange(n))) if n <= _AT_ONCE else space.index
    found = [index.search(statistics.query_vector(vectors, shares), _STORED)[1] for shares in settings]
    rows = np.concatenate([*found, by_cosine[:, :_STORED]], axis=1)
    unique = [np.unique(of_work[of_work != work]) for of_work, work in zip(rows, works, strict=True)]
    near = np.full((len(works), max(map(len, unique))), -1, np.int64)
    for position, of_work in enumerate(unique):
        near[position, : len(of_work)] = of_work
    return near


def _near_by_cosine(space: Space, works: np.ndarray) -> np.ndarray:
    """(works, m) int: the works with the highest raw subject cosines to each, itself among them."""
    n, count = len(space), min(_NEAREST, len(space))
    plain = space.plain(works)
    if n > _AT_ONCE:
        return np.stack([space.nearest_plain(raw, count)[1] for raw in plain])
    return np.argsort(-plain @ space.plain(np.arange(n)).T, axis=1, kind="stable")[:, :count]


def balanced_shares(space: Space) -> np.ndarray:
    """(aspects,): the weights of the default preset, as far as the space has its aspects; else all alike."""
    known = {
        aspect: weight for aspect, weight in space.presets["balanced"].items() if aspect in space.statistics.aspects
    }
    return space.weigh(known if any(known.values()) else dict.fromkeys(space.statistics.aspects, 1.0))


def _lift(space: Space, works: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(places,): what diffusion adds to the number of the works found first, by their place among them."""
    step = -(-len(works) // _SEARCHES)
    queries, works, near = [SpaceQuery(space, balanced_shares(space))], works[::step], near[::step]
    plain = own_numbers(queries, works, ranking="tuned", near=list(near))
    whole = own_numbers(queries, works, ranking="tuned", diffused=True)
    return (np.quantile(whole, places(_PLACES)) - np.quantile(plain, places(_PLACES))).astype(np.float32)


def _outstanding(space: Space, works: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, float]:
    """(places,): by how many spreads the raw cosines of the works found first stand out, and by how many a cosine of 1 does."""
    lists, most = [], []
    plain = space.plain(works)
    with_all = plain @ space.plain(sample_rows(len(space), _AT_ONCE)).T
    for of_work, raw, everything in zip(near, plain, with_all, strict=True):
        spread = spread_of(everything)
        if not np.isnan(spread):
            cosines = np.sort(space.plain(of_work[of_work >= 0]) @ raw)[-FIRST:]
            middle = float(np.median(everything))
            lists.append((cosines - middle) / spread)
            most.append((1 - middle) / spread)
    if not lists:
        return np.zeros(0, np.float32), 1.0
    return np.quantile(np.concatenate(lists), places(_PLACES)).astype(np.float32), float(np.mean(most))


def _least_familiar(space: Space, works: np.ndarray, by_cosine: np.ndarray) -> float:
    """The 1 % quantile of how near the fifth-nearest work of each of `works` is: see `artsim.search.familiarity`."""
    rank = min(_RELATED, len(space) - 1)
    cosines = [
        np.sort(uncentred_cosines(space, raw, rows[rows != work]))[-rank]
        for work, raw, rows in zip(works, space.plain(works), by_cosine, strict=True)
    ]
    return float(np.quantile(cosines, _UNUSUAL))


def uncentred_cosines(space: Space, raw: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(rows,): cosines of raw subject vectors, of which square roots were taken where the space takes them; not centred."""
    vectors = space.statistics.comparable_subject(np.concatenate([raw[None], space.plain(rows)]))
    return vectors[1:] @ vectors[0]
