"""Paths lead forward from one work to another, without repeating a work."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from synthetic import make_collection

from artsim import QueryError


@pytest.fixture(scope="module")
def works() -> Any:
    return make_collection(artists=12, works=8)


@pytest.mark.parametrize(("start", "end"), [("work-0-1", "work-11-2"), ("work-2-2", "work-2-3")])
@pytest.mark.parametrize("steps", [2, 8, 16])
def test_a_path_leads_from_start_to_end_step_by_step_without_a_work_twice(
    works: Any, start: str, end: str, steps: int
) -> None:
    path = works.path(start, end, steps=steps)
    ids = [step.id for step in path]
    assert (ids[0], ids[-1]) == (start, end)
    assert len(set(ids)) == len(ids) == steps
    assert [step.work["id"] for step in path] == ids
    assert path[0].to_start == pytest.approx(1, abs=1e-3) and path[-1].to_end == pytest.approx(1, abs=1e-3)
    balance = [step.to_end - step.to_start for step in path]
    assert all(before < after for before, after in pairwise(balance)), "nearer to the end, relative to the start"


def test_steps_between_far_ends_are_smaller_than_between_random_works(works: Any) -> None:
    path = works.path("work-0-1", "work-11-2", steps=8)
    assert np.isnan(path[0].percentile)
    assert np.mean([step.percentile for step in path[1:]]) > 65


def test_filters_apply_to_the_works_between(works: Any) -> None:
    path = works.path("work-0-1", "work-11-2", steps=6, where={"style": "Realism"})
    assert {step.work["style"] for step in path[1:-1]} == {"Realism"}


def test_the_aspects_change_the_path(works: Any) -> None:
    ends = ("work-0-1", "work-11-2")
    ways = [tuple(step.id for step in works.path(*ends, preset=preset)) for preset in ("style", "subject")]
    assert ways[0] != ways[1]
    assert works.path(*ends, aspects={"style": 1.0})[1].id == ways[0][1]


def test_with_too_few_works_the_path_is_shorter() -> None:
    small = make_collection(artists=1, works=3)
    path = small.path("work-0-0", "work-0-1", steps=8)
    assert 2 <= len(path) <= 3
    only = small.path("work-0-0", "work-0-1", steps=8, where={"id": "no such work"})
    assert [step.id for step in only] == ["work-0-0", "work-0-1"]


@pytest.mark.parametrize(
    ("start", "end", "steps", "message"),
    [
        ("work-0-0", "work-0-0", 5, "name two works"),
        ("work-0-0", "nothing", 5, "no work 'nothing'"),
        ("work-0-0", "work-0-1", 1, "from 2 to 40"),
        ("work-0-0", "work-0-1", True, "from 2 to 40"),
    ],
)
def test_invalid_paths_raise_a_one_line_error(works: Any, start: str, end: str, steps: int, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        works.path(start, end, steps=steps)
