"""The varied sample of a collection."""

from typing import Any

import pytest

from artsim.analysis.varied_works import varied_works


@pytest.mark.parametrize("count", [1, 12, 1000])
def test_varied_works_are_deterministic_and_distinct(collection: Any, count: int) -> None:
    chosen = varied_works(collection.state, count)
    assert len(set(chosen)) == len(chosen) == min(count, len(collection))
    assert chosen == varied_works(collection.state, count)
    assert set(chosen) <= set(collection.ids)
