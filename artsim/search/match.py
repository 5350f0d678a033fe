"""`Match`: a work that a search found, with its rank and all its scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from artsim.encoders.protocol import Aspect
from artsim.encoders.region_vectors import Region
from artsim.search.encoder_selection import scores_of_all
from artsim.search.ranking import SpaceQuery
from artsim.snapshot.space_statistics import percentile
from artsim.snapshot.state import State

Corners = tuple[tuple[float, float], ...]
"""Four (x, y)."""

FoundBy = Literal["label", "likeness"]
Word = Literal["very similar", "similar", "loosely similar"]
WORDS: Mapping[Word, float] = {"very similar": 0.6, "similar": 0.3, "loosely similar": 0.0}
"""The least score of each word. docs/architecture.md says what each is worth; `artsim evaluate` measures it."""
CLOSE = 0.1
"""The least score of a match that is close. Where nothing is (`artsim.search.familiarity`), all scores are lower."""


@dataclass(frozen=True)
class Match:
    """A work that a search found: by its picture (`found_by` "likeness"), or, for a text alone, by its "label".

    Matches by label come first in a list. They have the searched words in their metadata, and no likeness: their `score`,
    `cosine`, `angular_distance`, `percentile`, `close` and `word` are None, `aspects` and `aspect_percentiles` empty.
    """

    rank: int
    id: str
    score: float | None
    """From 0 for what has nothing in common to 1 for one and the same picture, never increasing from the first match by
    likeness to the last: see `artsim.search.calibration`. 1 for a recognised work."""
    cosine: float | None
    """Plain cosine of the raw subject vectors, in -1..1."""
    angular_distance: float | None
    """`sqrt(2 (1 - cosine))`, in 0..2."""
    percentile: float | None
    """Share, in percent, of random pairs of works that are less alike than the query and this work.

    For a text alone: share of the works that fit the text less well (of 5,000 works, if there are more).
    """
    aspects: Mapping[Aspect, float] = field(repr=False)
    """Centred cosine per aspect (for a text: the raw cosine, as `subject`)."""
    aspect_percentiles: Mapping[Aspect, float] = field(repr=False)
    close: bool | None
    """Whether the score is at least `CLOSE`: never if nothing in the collection is close to the picture."""
    encoder: str
    """Name of the space. In a fusion: the leading space of this match, whose figures these are, except `score`. Empty for
    a match by label."""
    work: Mapping[str, Any] = field(repr=False)
    row: int = field(repr=False)
    region: Region | None = None
    """In a detail search: (left, top, right, bottom) of the detail, as fractions of width and height."""
    corners: Corners | None = None
    """Of a recognised work: its corners in the photograph, clockwise from its own top left, as fractions of width and height.

    They lie outside of the photograph (below 0, above 1) where it shows only part of the work."""
    places: int | None = None
    """Of a recognised work: in how many places it agrees with the photograph."""
    found_by: FoundBy = "likeness"
    version: bool = False
    """Of a recognised work: whether it may be another version of what the photograph shows, as another work agrees, too, or
    the agreement is partial."""
    collection: str = ""
    """In a search over several collections (`open_collections`): the name of its own."""

    @property
    def word(self) -> Word | None:
        """The score in words; None for a match by label."""
        return None if self.score is None else word_of(self.score)

    def reaches(self, least: float) -> bool:
        """Whether its score is at least `least`; a match by label has none that could be too low."""
        return self.score is None or self.score >= least


def word_of(score: float) -> Word:
    return next(word for word, least in WORDS.items() if score >= least)


def label_match(rank: int, row: int, work: Mapping[str, Any]) -> Match:
    """The match of a work whose label has the searched words."""
    return Match(
        rank=rank,
        id=work["id"],
        score=None,
        cosine=None,
        angular_distance=None,
        percentile=None,
        aspects={},
        aspect_percentiles={},
        close=None,
        encoder="",
        work=work,
        row=row,
        found_by="label",
    )


def matches_in(
    state: State,
    query: SpaceQuery,
    scores: np.ndarray,
    rows: np.ndarray,
    works: Sequence[Mapping[str, Any]] | None = None,
) -> list[Match]:
    """The matches at `rows`, with their `scores` in 0..1 and all other figures. `works`: their metadata, if already read."""
    if not len(rows):
        return []
    space, statistics = query.space, query.space.statistics
    cosine = np.clip(space.plain(rows) @ query.reference, -1, 1)
    aspects: tuple[Aspect, ...]
    if query.index_vector is None:  # a text alone has no style and no colour
        everything = np.sort(scores_of_all(space, query.reference))
        aspects, values = ("subject",), cosine[:, None]
        percentiles = percentile(everything, cosine)
        by_aspect = percentiles[:, None]
    else:
        aspects, wanted = statistics.aspects, statistics.split(query.index_vector[None])
        blocks = statistics.split(space.index.vectors(rows))
        values = np.stack([blocks[aspect] @ wanted[aspect][0] for aspect in aspects], axis=1)
        likeness = values @ query.shares
        percentiles = percentile(statistics.sorted_pairs(query.shares), likeness)
        columns = [percentile(pairs, values[:, i]) for i, pairs in enumerate(statistics.sorted_pairs_by_aspect)]
        by_aspect = np.stack(columns, axis=1)
    works = state.works(rows) if works is None else works
    return [
        Match(
            rank=i + 1,
            id=works[i]["id"],
            score=float(scores[i]),
            cosine=float(cosine[i]),
            angular_distance=math.sqrt(2 * (1 - float(cosine[i]))),
            percentile=float(percentiles[i]),
            aspects=dict(zip(aspects, values[i].tolist(), strict=True)),
            aspect_percentiles=dict(zip(aspects, by_aspect[i].tolist(), strict=True)),
            close=bool(scores[i] >= CLOSE),
            encoder=space.name,
            work=works[i],
            row=row,
        )
        for i, row in enumerate(rows.tolist())
    ]
