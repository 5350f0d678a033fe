"""Side by side: what each encoder of a collection answers to one query, and what can be said of it without labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from artsim.errors import QueryError
from artsim.search.encoder_selection import DEPTH, best_of, margin
from artsim.search.engine import Embed, Query, allowed_works, check_query, make_space_queries, rank_space_queries
from artsim.search.match import Match, matches_in
from artsim.snapshot.state import State


@dataclass(frozen=True)
class EncoderAnswers:
    """The answers of one encoder, and their mean and (population) standard deviation."""

    encoder: str
    """Name of its space, which `Collection.search(encoder=...)` takes."""
    encoder_id: str
    matches: tuple[Match, ...] = field(repr=False)
    cosine_mean: float
    """Of raw subject vectors. Not comparable between encoders."""
    cosine_std: float
    angular_mean: float
    """`sqrt(2 (1 - cosine))`, as in a match, in 0..2."""
    angular_std: float
    margin: float
    """How far its best answers stand out from random pairs of works: comparable, and what "auto" goes by. nan where that
    cannot be said."""


@dataclass(frozen=True)
class EncoderComparison:
    """One query, asked of every encoder that can answer it; in the order of the collection."""

    answers: tuple[EncoderAnswers, ...]
    auto: str
    """Which of them encoder="auto" takes."""
    mean_cosine: str
    """Which has the highest mean cosine: what auto="mean-cosine" takes."""
    shared: Mapping[tuple[str, str], tuple[str, ...]]
    """The two names, in order -> ids of the works that both found, best of the first first."""

    def __getitem__(self, encoder: str) -> EncoderAnswers:
        """The answers of one encoder, by the name of its space or its id."""
        for each in self.answers:
            if encoder in (each.encoder, each.encoder_id):
                return each
        raise QueryError(
            "{encoder!r} did not answer; those that did are {encoders}.",
            encoder=encoder,
            encoders=[e.encoder for e in self.answers],
        )

    def overlap(self, first: str, second: str) -> float:
        """Shared answers divided by all answers of the two, 0..1 (Jaccard)."""
        ids = [{match.id for match in self[name].matches} for name in (first, second)]
        return len(ids[0] & ids[1]) / max(1, len(ids[0] | ids[1]))

    def as_json(self) -> dict[str, Any]:
        """What `scripts/evaluate.py --json` writes: figures and ids, without metadata; nan is null."""
        return {
            "auto": self.auto,
            "mean_cosine": self.mean_cosine,
            "encoders": [
                {
                    "encoder": each.encoder_id,
                    "space": each.encoder,
                    "cosine_mean": each.cosine_mean,
                    "cosine_std": each.cosine_std,
                    "angular_mean": each.angular_mean,
                    "angular_std": each.angular_std,
                    "margin": None if np.isnan(each.margin) else each.margin,
                    "matches": [
                        {"id": m.id, "cosine": m.cosine, "angular_distance": m.angular_distance} for m in each.matches
                    ],
                }
                for each in self.answers
            ],
            "shared": [{"encoders": list(pair), "works": list(ids)} for pair, ids in self.shared.items()],
        }


def compare_encoders(state: State, query: Query, embed: Embed) -> EncoderComparison:
    """Ask `query` of every encoder (for words: of those that read them). `QueryError` when the filters leave no work."""
    check_query(query, state)
    allowed = allowed_works(state, query)
    answers = []
    for space_queries in make_space_queries(state, query, embed):
        scores, rows = rank_space_queries(state, [space_queries], query, max(query.k, DEPTH), allowed)
        matches = matches_in(state, space_queries, scores[: query.k], rows[: query.k])
        if not matches:
            raise QueryError("The filters leave no work to compare the encoders by.")
        cosine = np.array([match.cosine for match in matches])
        angular = np.array([match.angular_distance for match in matches])
        answers.append(
            EncoderAnswers(
                encoder=space_queries.space.name,
                encoder_id=space_queries.space.encoder,
                matches=tuple(matches),
                cosine_mean=float(cosine.mean()),
                cosine_std=float(cosine.std()),
                angular_mean=float(angular.mean()),
                angular_std=float(angular.std()),
                margin=margin(space_queries, rows, query.ranking),
            )
        )
    return EncoderComparison(
        answers=tuple(answers),
        auto=answers[best_of([each.margin for each in answers])].encoder,
        mean_cosine=answers[best_of([each.cosine_mean for each in answers])].encoder,
        shared={(a.encoder, b.encoder): _shared(a, b) for a, b in combinations(answers, 2)},
    )


def _shared(first: EncoderAnswers, second: EncoderAnswers) -> tuple[str, ...]:
    found = {match.id for match in second.matches}
    return tuple(match.id for match in first.matches if match.id in found)
