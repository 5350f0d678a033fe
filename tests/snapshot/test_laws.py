"""The laws of a collection, over random works, changes, filters and queries (Hypothesis), in small and in compact collections.

A plain run tries a few fixed examples of each, the sweep many random ones.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from collections_on_disk import compact_from, content, content_of, works
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic import make_collection

from artsim.collection import Collection
from artsim.encoders.protocol import unit_rows
from artsim.index import CompactIndex, EightBits, ExactIndex, Rows, build_first_pass

FEW, MANY = 5, 100
WIDTHS = (16, 8, 12)
RANKINGS = ("tuned", "likeness", "cosine")


@pytest.fixture(params=["exact", "compact"])
def made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Collection]:
    """Makes collections that begin with one and the same state, of 45 works."""
    if request.param == "compact":
        compact_from(20, monkeypatch)
    first = make_collection()
    return lambda: Collection(state=first.state, manifest=first.manifest, folder=None)


def tries(count: int, law: Callable[..., None], *given_arguments: Any, **strategies: Any) -> None:
    """Run `law` on `count` examples; few of them are the same in each run."""
    chosen = settings(
        max_examples=count,
        derandomize=count == FEW,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    def one(**drawn: Any) -> None:
        law(*given_arguments, **drawn)

    chosen(given(**strategies)(one))()


names = st.lists(st.text("abcdefgh", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)


Answers = dict[tuple[str, str, str], float]
"""Work of the query, ranking and match -> a figure of the match."""


def answers(collection: Collection, *, rankings: tuple[str, ...] = RANKINGS, figure: str = "score") -> Answers:
    """What some works find by several rankings."""
    return {
        (identity, ranking, match.id): getattr(match, figure)
        for identity in collection.ids
        if identity.endswith(("-1", "a"))
        for ranking in rankings
        for match in collection.search(work=identity, k=8, ranking=ranking)  # type: ignore[arg-type]
    }


def nearest(collection: Collection) -> Answers:
    """The same without what depends on the order of the works: diffusion, and the sample that scores are calibrated by."""
    return answers(collection, rankings=("likeness", "cosine"), figure="cosine")


def same(answers: Answers) -> Any:
    return pytest.approx(answers, abs=1e-3)


def works_of(collection: Collection) -> dict[str, Any]:
    """Each work by id: metadata, picture and the beginning of its vectors. Without the licence, which an addition states."""
    plain = {space.name: space.plain(np.arange(len(collection))) for space in collection.state.spaces}
    return {
        identity: (
            {key: value for key, value in collection.work(identity).items() if key != "license"},
            collection.picture(identity),
            [np.round(rows[row, :4].astype(float), 3).tolist() for rows in plain.values()],
        )
        for row, identity in enumerate(collection.ids)
    }


def the_order_of_adding_does_not_matter(made: Callable[[], Collection], new: list[str], order: Any, cut: int) -> None:
    first, second = made(), made()
    first.add(works(*new))
    mixed = order.permutation(new).tolist()
    for part in filter(None, (mixed[:cut], mixed[cut:])):
        second.add(works(*part))
    assert works_of(first) == works_of(second)
    assert nearest(first) == same(nearest(second))


def removing_undoes_adding(made: Callable[[], Collection], new: list[str]) -> None:
    collection = made()
    before, found, ids = works_of(collection), answers(collection), collection.ids
    collection.add(works(*new))
    collection.remove(new)
    assert collection.ids == ids
    assert works_of(collection) == before
    assert answers(collection) == same(found)


def adding_undoes_removing(made: Callable[[], Collection], rows: list[int]) -> None:
    collection = made()
    before, found = works_of(collection), nearest(collection)
    collection.add(collection.remove([collection.ids[row] for row in rows]))
    assert works_of(collection) == before
    assert nearest(collection) == same(found)


def saving_and_opening_is_identity(made: Callable[[], Collection], changes: list[Any]) -> None:
    collection = made()
    with tempfile.TemporaryDirectory() as folder:
        for name, value in changes:
            if name == "add" and (new := [one for one in value if one not in collection.ids]):
                collection.add(works(*new))
            elif name == "remove":
                collection.remove([collection.ids[value % len(collection)]])
            elif name == "edit":
                collection.edit(collection.ids[value % len(collection)], {"title": f"Title {value}", "tags": None})
            elif name == "save":
                collection.save(Path(folder) / "collection")
        collection.save(Path(folder) / "collection")
        assert content_of(Path(folder) / "collection") == content(collection)
        assert answers(Collection.from_folder(Path(folder) / "collection")) == same(answers(collection))


def meets(work: Any, where: dict[str, Any]) -> bool:
    """`where`, in plain Python."""
    for column, condition in where.items():
        value = work[column]
        values = value if isinstance(value, list) else [value]
        low, high = condition if isinstance(condition, tuple) else (None, None)
        options = condition if isinstance(condition, list) else [condition]
        if isinstance(condition, tuple):
            fits = any(one is not None and low <= one <= high for one in values)
        else:
            fits = any(one is not None and one in options for one in values)
        if not fits:
            return False
    return True


def a_filter_is_a_search_of_all_that_is_filtered_after(
    made: Callable[[], Collection], row: int, where: dict[str, Any], k: int, ranking: Any, aspects: Any
) -> None:
    collection = made()
    if ranking == "cosine":
        aspects = {"subject": 1.0}
    options: dict[str, Any] = {"work": collection.ids[row], "ranking": ranking, "aspects": aspects}
    everything = collection.search(**options, k=len(collection))
    expected = [match for match in everything if meets(match.work, where)][:k]
    found = collection.search(**options, k=k, where=where)
    assert [match.id for match in found] == [match.id for match in expected]


def an_index_finds_what_comparing_all_finds(kind: str, seed: int, n: int, k: int, weights: Any, share: float) -> None:
    random = np.random.default_rng(seed)
    vectors = np.concatenate([unit_rows(random.normal(size=(n, width))) for width in WIDTHS], axis=1)
    if kind == "exact":
        index: Any = ExactIndex(vectors)
    else:
        bits = EightBits.fit(vectors, curved=True)
        codes = Rows.of(bits.encode(vectors))
        index = CompactIndex(codes, bits, WIDTHS, build_first_pass(codes, bits))
    stored = index.vectors(np.arange(n))
    queries = (stored[: min(n, 5)] * np.repeat(weights, WIDTHS)).astype(np.float32)
    allowed = None if share == 1 else random.random(n) < share
    likeness = queries @ stored.T
    if allowed is not None:
        likeness = likeness[:, allowed]
    scores, rows = index.search(queries, k, allowed=allowed)
    expected = -np.sort(-likeness, axis=1)[:, :k]
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    np.testing.assert_allclose(np.take_along_axis(queries @ stored.T, rows, axis=1), scores, atol=1e-4)
    assert allowed is None or allowed[rows].all()
    assert all(len(set(found)) == len(found) for found in rows.tolist())


conditions = st.fixed_dictionaries(
    {},
    optional={
        "artist": st.lists(st.sampled_from([f"Artist {number}" for number in range(10)]), min_size=1, max_size=4),
        "style": st.sampled_from(["Baroque", "Realism", "Cubism"]),
        "year": st.tuples(st.integers(1590, 1650), st.integers(1650, 1700)),
        "tags": st.sampled_from(["tag 0", "tag 1", "tag 3", "tag 9"]),
    },
)
changes = st.lists(
    st.one_of(
        st.tuples(st.just("add"), names),
        st.tuples(st.just("remove"), st.integers(0, 99)),
        st.tuples(st.just("edit"), st.integers(0, 99)),
        st.tuples(st.just("save"), st.none()),
    ),
    max_size=6,
)
weighting = st.tuples(*[st.sampled_from([0.0, 0.3, 1.0])] * 3).filter(any)
LAWS: dict[str, tuple[Callable[..., None], dict[str, Any]]] = {
    law.__name__: (law, strategies)
    for law, strategies in (
        (
            the_order_of_adding_does_not_matter,
            {"new": names, "order": st.integers(0, 9).map(np.random.default_rng), "cut": st.integers(0, 6)},
        ),
        (removing_undoes_adding, {"new": names}),
        (adding_undoes_removing, {"rows": st.lists(st.integers(0, 44), min_size=1, max_size=6, unique=True)}),
        (saving_and_opening_is_identity, {"changes": changes}),
        (
            a_filter_is_a_search_of_all_that_is_filtered_after,
            {
                "row": st.integers(0, 44),
                "where": conditions,
                "k": st.integers(1, 60),
                "ranking": st.sampled_from(["likeness", "cosine"]),
                "aspects": st.sampled_from([None, {"style": 1.0}, {"subject": 1.0, "color": 0.5}]),
            },
        ),
    )
}
INDEX = {
    "seed": st.integers(0, 10**6),
    "n": st.integers(1, 80),
    "k": st.integers(1, 90),
    "weights": weighting,
    "share": st.sampled_from([1, 0.5, 0.1, 0.0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_a_law_of_collections_holds(name: str, made: Callable[[], Collection]) -> None:
    law, strategies = LAWS[name]
    tries(FEW, law, made, **strategies)


@pytest.mark.sweep
@pytest.mark.parametrize("name", LAWS)
def test_a_law_of_collections_holds_whatever_happens(name: str, made: Callable[[], Collection]) -> None:
    law, strategies = LAWS[name]
    tries(MANY, law, made, **strategies)


@pytest.mark.parametrize("kind", ["exact", "compact"])
def test_an_index_finds_what_comparing_all_finds(kind: str) -> None:
    tries(FEW, an_index_finds_what_comparing_all_finds, kind, **INDEX)


@pytest.mark.sweep
@pytest.mark.parametrize("kind", ["exact", "compact"])
def test_an_index_finds_what_comparing_all_finds_whatever_happens(kind: str) -> None:
    tries(MANY, an_index_finds_what_comparing_all_finds, kind, **INDEX)
