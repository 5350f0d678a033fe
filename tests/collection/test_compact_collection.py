"""A collection of 420 works, whose vectors are compact: everything that works with whole blocks works with them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import made_blocks, make_collection

from artsim import Part, Query, open_collection
from artsim.collection import Collection
from artsim.encoders.presets import PRESETS
from artsim.evaluation import Setting, Task, evaluate
from artsim.index import Rows
from artsim.snapshot.space import make_space

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compact") / "works"
    make_collection(artists=30, works=14, spaces=2, scatter=1.0).save(folder)
    return folder


@pytest.fixture
def compact(folder: Path) -> Collection:
    collection = open_collection(folder)
    assert {space.index.kind for space in collection.state.spaces} == {"compact"}
    return collection


def artists(matches: Any) -> list[str]:
    return [match.work["artist"] for match in matches]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_finds_the_works_of_the_artist(compact: Collection, preset: str) -> None:
    matches = compact.search(work="work-7-3", preset=preset, k=10)
    assert [match.rank for match in matches] == list(range(1, 11))
    assert artists(matches).count("Artist 7") >= 5
    assert set(matches[0].aspects) == {"subject", "style", "color", "layout"}
    assert "work-7-3" not in {match.id for match in matches}


@pytest.mark.parametrize("mode", [{"encoder": "auto"}, {"encoder": "fusion"}, {"ranking": "cosine"}], ids=str)
def test_several_spaces_and_the_plain_cosine_work_too(compact: Collection, mode: dict[str, Any]) -> None:
    matches = compact.search(work="work-7-3", k=10, **mode)
    assert artists(matches).count("Artist 7") >= 5
    cosines = compact.state.spaces[0].plain(np.array([compact.state.row_of(match.id) for match in matches]))
    if "ranking" in mode:
        query = compact.state.spaces[0].plain(np.array([compact.state.row_of("work-7-3")]))[0]
        np.testing.assert_allclose([match.cosine for match in matches], cosines @ query, atol=1e-6)


def test_parts_for_and_against_filters_and_limits_work(compact: Collection) -> None:
    parts = (Part(work="work-7-3"), Part(work="work-9-1", weight=-0.5))
    found = compact.run(Query(parts, PRESETS["balanced"], {"artist": ["Artist 7", "Artist 9"]}, k=10))
    assert artists(found).count("Artist 7") > artists(found).count("Artist 9")
    limited = compact.search(work="work-7-3", k=10, at_most={"artist": 2}, other=["artist"])
    assert max(artists(limited).count(name) for name in set(artists(limited))) == 2
    assert "Artist 7" not in artists(limited)


def test_the_map_paths_and_groups_work(compact: Collection) -> None:
    assert sorted(compact.map().order.tolist()) == list(range(420))
    assert len(compact.path("work-7-3", "work-9-1")) >= 2
    each = compact.run_each(Query((Part(work="work-7-3"),), PRESETS["balanced"], k=2), by="style")
    assert set(each) == {"Baroque", "Realism", "Cubism"}


def test_figures_are_nearly_those_of_whole_blocks() -> None:
    """With more components than these small blocks have numbers, only the 8 bits differ."""
    made = make_collection(artists=30, works=14, scatter=1.5)
    blocks = {aspect: Rows.of(block) for aspect, block in made_blocks(30, 14, 1.5, 0).items()}
    space = make_space("space-0", "made-up-0", "1", blocks, whole=True)
    kept_whole = Collection(state=replace(made.state, spaces=(space,)), manifest=made.manifest, folder=None)
    figures = [evaluate(one, Task("artist", max_queries=120), Setting()).means() for one in (made, kept_whole)]
    for metric, value in figures[1].items():
        assert figures[0][metric] == pytest.approx(value, abs=0.01), (
            metric
        )  # of 419 queries, three or four answers may change places


def test_works_come_go_and_come_back(compact: Collection, folder: Path, tmp_path: Path) -> None:
    before = compact.search(work="work-7-3", k=5)
    removed = compact.remove(["work-7-4", before[0].id])
    assert len(compact) == 418
    assert before[0].id not in {match.id for match in compact.search(work="work-7-3", k=20)}
    compact.save(tmp_path / "fewer")
    assert len(open_collection(tmp_path / "fewer")) == 418
    back = compact.add(removed)
    assert set(back) == {"work-7-4", before[0].id}
    after = compact.search(work="work-7-3", k=5)
    assert [match.id for match in after] == [match.id for match in before]
    compact.save(tmp_path / "again")
    opened = open_collection(tmp_path / "again")
    assert [match.id for match in opened.search(work="work-7-3", k=5)] == [match.id for match in before]
    for identity in ("work-7-4", "work-0-0"):
        assert opened.picture(identity) == open_collection(folder).picture(identity)


def test_bases_stay_and_growth_is_known(compact: Collection) -> None:
    statistics = compact.state.spaces[0].statistics
    compact.remove(compact.ids[100:])
    assert compact.state.spaces[0].statistics is statistics
    assert (statistics.fitted, len(compact)) == (420, 100)
    assert compact.search(work="work-1-1", k=3)
