from __future__ import annotations

import numpy as np
import pytest

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation import Setting, measure_neighbours


@pytest.mark.parametrize("ranking", ["tuned", "cosine"])
def test_the_statistics_match_the_answers_of_the_search(collection: Collection, ranking: str) -> None:
    answers = [match for one in collection.ids for match in collection.search(work=one, k=3, ranking=ranking)]
    statistics = measure_neighbours(collection, Setting(ranking=ranking), k=3)  # type: ignore[arg-type]
    cosine = np.array([match.cosine for match in answers])
    angular = np.array([match.angular_distance for match in answers])
    assert (statistics.cosine_mean, statistics.cosine_std) == pytest.approx((cosine.mean(), cosine.std()), abs=1e-6)
    assert (statistics.angular_mean, statistics.angular_std) == pytest.approx((angular.mean(), angular.std()), abs=1e-6)
    never = len(collection) - len({match.id for match in answers})
    assert statistics.never_found == pytest.approx(never / len(collection))
    counts = np.bincount([match.row for match in answers], minlength=len(collection))
    assert statistics.occurrence_max == pytest.approx(counts.max() / len(collection))
    assert statistics.occurrence_skewness == pytest.approx(((counts - 3) ** 3).mean() / counts.std() ** 3)


def test_never_found_is_unknown_for_a_sample_and_k_is_at_most_all_other_works(collection: Collection) -> None:
    statistics = measure_neighbours(collection, Setting(), max_queries=5, k=10_000)
    unknown = (statistics.never_found, statistics.occurrence_max, statistics.occurrence_skewness)
    assert (statistics.queries, *unknown) == (5, None, None, None)
    assert statistics.k == len(collection) - 1
    with pytest.raises(QueryError, match="at least 1"):
        measure_neighbours(collection, Setting(), k=0)
