"""Compare the matches of each encoder of a collection for one query, by label-free statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from artsim.encoders.presets import Ranking, ranking_of, weights_of
from artsim.encoders.protocol import Aspect
from artsim.errors import QueryError
from artsim.images.decode import ImageLike
from artsim.search.calibration import scores_of
from artsim.search.encoder_selection import DEPTH, best_of, margin
from artsim.search.engine import allowed_works, make_space_queries, rank_space_queries
from artsim.search.familiarity import is_familiar
from artsim.search.match import Match, matches_in
from artsim.search.query import Query, check_query, parts_of
from artsim.search.query_vectors import QueryEmbedding, SearchedCollection
from artsim.snapshot.filters import Where
from artsim.snapshot.state import State


@dataclass(frozen=True)
class EncoderAnswers:
    """The matches of one encoder, with the mean and (population) standard deviation of their distances."""

    encoder: str
    """Name of its space, for `Collection.search(encoder=...)`."""
    encoder_id: str
    matches: tuple[Match, ...] = field(repr=False)
    cosine_mean: float
    """Of raw subject vectors. Not comparable between encoders."""
    cosine_std: float
    angular_mean: float
    """`sqrt(2 (1 - cosine))`, as in a match, in 0..2."""
    angular_std: float
    margin: float
    """How far the best matches stand out from random pairs of works: comparable between encoders, the criterion of
    "auto". nan if undefined."""


@dataclass(frozen=True)
class EncoderComparison:
    """The matches of one query by every encoder that supports it, in the order of the collection."""

    answers: tuple[EncoderAnswers, ...]
    auto: str
    """The encoder that encoder="auto" selects."""
    mean_cosine: str
    """The encoder with the highest mean cosine, which auto="mean-cosine" selects."""
    shared: Mapping[tuple[str, str], tuple[str, ...]]
    """Two encoder names, in order -> ids of the works that both found, in the order of the first."""

    def __getitem__(self, encoder: str) -> EncoderAnswers:
        """The result of one encoder, by the name of its space or its id."""
        for answers in self.answers:
            if encoder in (answers.encoder, answers.encoder_id):
                return answers
        raise QueryError(
            "There is no result of the encoder {encoder!r}; there are results of {encoders}.",
            encoder=encoder,
            encoders=[answers.encoder for answers in self.answers],
        )

    def jaccard(self, first: str, second: str) -> float:
        """Jaccard index of the matches of two encoders, in 0..1."""
        ids = [{match.id for match in self[name].matches} for name in (first, second)]
        return len(ids[0] & ids[1]) / max(1, len(ids[0] | ids[1]))

    def as_json(self) -> dict[str, Any]:
        """The JSON of `artsim evaluate --json`: figures and ids, without metadata; nan becomes null."""
        return {
            "auto": self.auto,
            "mean_cosine": self.mean_cosine,
            "encoders": [
                {
                    "encoder": answers.encoder_id,
                    "space": answers.encoder,
                    "cosine_mean": answers.cosine_mean,
                    "cosine_std": answers.cosine_std,
                    "angular_mean": answers.angular_mean,
                    "angular_std": answers.angular_std,
                    "margin": None if np.isnan(answers.margin) else answers.margin,
                    "matches": [
                        {"id": m.id, "cosine": m.cosine, "angular_distance": m.angular_distance}
                        for m in answers.matches
                    ],
                }
                for answers in self.answers
            ],
            "shared": [{"encoders": list(pair), "works": list(ids)} for pair, ids in self.shared.items()],
        }


def compare_encoders(
    collection: SearchedCollection,
    image: ImageLike | None = None,
    text: str | None = None,
    work: str | None = None,
    *,
    k: int = 10,
    aspects: Mapping[Aspect, float] | None = None,
    preset: str | None = None,
    where: Where | None = None,
    ranking: Ranking = "tuned",
    region: tuple[float, float, float, float] | None = None,
) -> EncoderComparison:
    """Run one query with every encoder and compare the matches by label-free statistics. Arguments as in `search`.

    Texts: with every text encoder. Raises `QueryError` if the filters leave no work, and what `search` raises.
    """
    query = Query(
        parts=parts_of(image, text, work, region),
        aspects=weights_of(aspects, preset),
        where=where,
        k=k,
        ranking=ranking_of(ranking, preset),
        encoder="auto",
    )
    return _compare(collection.state, query, collection.query_embedding)


def _compare(state: State, query: Query, embed: QueryEmbedding) -> EncoderComparison:
    check_query(query, state)
    allowed = allowed_works(state, query)
    answers = []
    for space_queries in make_space_queries(state, query, embed):
        scores, rows = rank_space_queries(state, [space_queries], query, max(query.k, DEPTH), allowed)
        scores, rows = scores[: query.k], rows[: query.k]
        familiar = is_familiar(state, query, [space_queries], embed, rows)
        scores = scores_of([space_queries], scores, ranking=query.ranking, familiar=familiar)
        matches = matches_in(state, space_queries, scores, rows)
        if not matches:
            raise QueryError("No work matches the filters, so there is nothing to compare the encoders with.")
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
        auto=answers[best_of([item.margin for item in answers])].encoder,
        mean_cosine=answers[best_of([item.cosine_mean for item in answers])].encoder,
        shared={(a.encoder, b.encoder): _shared(a, b) for a, b in combinations(answers, 2)},
    )


def _shared(first: EncoderAnswers, second: EncoderAnswers) -> tuple[str, ...]:
    second_ids = {match.id for match in second.matches}
    return tuple(match.id for match in first.matches if match.id in second_ids)
