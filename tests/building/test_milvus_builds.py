"""Builds of collections that are searched on Milvus: real paintings, the answers of FAISS, and no picture embedded twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from counting import Grid
from milvus_lite_files import lite_file

from artsim import build_collection, open_collection, open_source
from artsim.collection import Collection
from artsim.encoders.protocol import Encoder
from artsim.index import MilvusIndex
from artsim.index.milvus_collection import MilvusCollection
from artsim.snapshot import space, space_statistics
from artsim.snapshot.files import read_collection, save_collection

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

ART_EVAL = Path(__file__).resolve().parents[3] / "shared" / "art-eval"


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[str]:
    with lite_file(tmp_path / "works.db") as path:
        yield f"milvus:{path}"


def assert_same_answers_on_milvus(plain: Collection, folder: Path, lite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a twin of `plain`, by pictures and works, at all weights and rankings, with filters and without."""
    assert plain.folder is not None
    save_collection(*read_collection(plain.folder), folder, index=lite)
    searched = open_collection(folder)
    asked: list[int] = []
    nearest = MilvusCollection.nearest
    monkeypatch.setattr("artsim.index.milvus._FEW", 0)
    monkeypatch.setattr(
        MilvusCollection, "nearest", lambda self, *given: asked.append(len(given[0])) or nearest(self, *given)
    )
    artist = str(plain.work(plain.ids[0])["artist"])
    for number, identity in enumerate(plain.ids[:: len(plain) // 3]):
        query: dict[str, Any] = {"image": plain.picture(identity)} if number % 2 else {"work": identity}
        for options in (
            {},
            {"preset": "color"},
            {"aspects": {"layout": 1}, "ranking": "likeness"},
            {"ranking": "cosine"},
            {"where": {"artist": artist.upper()}},
        ):
            found = [one.search(**query, **options, k=20) for one in (plain, searched)]
            assert [match.id for match in found[0]] == [match.id for match in found[1]], (identity, options)
            assert [match.score for match in found[0]] == pytest.approx([m.score for m in found[1]], abs=1e-4)
    assert len(asked) > 10
    seen = plain.picture(plain.ids[5])
    one, other = (collection.recognize(seen) for collection in (plain, searched))
    assert one == other


def test_on_the_met_the_answers_are_those_of_faiss(
    embedded: Encoder, lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = build_collection(open_source("met"), embedded, tmp_path / "plain")
    assert_same_answers_on_milvus(plain, tmp_path / "searched", lite, monkeypatch)


@pytest.mark.sweep
@pytest.mark.skipif(not ART_EVAL.is_dir(), reason="needs the labelled paintings of ../shared/art-eval")
def test_on_art_eval_the_answers_are_those_of_faiss(
    embedded: Encoder, lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = build_collection(open_source(f"folder:{ART_EVAL}"), embedded, tmp_path / "plain")
    assert plain.state.spaces[0].is_compact
    assert_same_answers_on_milvus(plain, tmp_path / "searched", lite, monkeypatch)


class Counting(Grid):
    seen = 0

    def embed_images(self, images: Any) -> Any:
        self.seen += len(images)
        return super().embed_images(images)


def test_a_repeated_build_moves_to_milvus_and_back_and_embeds_nothing_again(
    paintings: Path, lite: str, tmp_path: Path
) -> None:
    encoder, out = Counting(), tmp_path / "out"

    def build(index: str) -> Collection:
        return build_collection(open_source(f"folder:{paintings}"), encoder, out, recognition=False, index=index)

    build("faiss")
    assert encoder.seen == 40
    generations = []
    for index in (lite, lite, "faiss"):
        made = build(index)
        generations.append(made.manifest.generation)
        assert isinstance(made.state.spaces[0].index, MilvusIndex) == (index == lite)
        assert made.search(work=made.ids[0], k=1)
    made = build(lite)
    remote = made.state.spaces[0].index
    assert isinstance(remote, MilvusIndex)
    remote.remote.drop()
    assert build(lite).search(work=made.ids[0], k=1), "it is filled again"
    assert encoder.seen == 40
    assert generations == [2, 2, 3], "nothing is written where nothing changes"


def test_another_order_of_encoders_fills_nothing_again_after_changes_either(
    paintings: Path, lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(Grid):
        id = "other"

        def embed_images(self, images: Any) -> Any:
            return {aspect: rows[:, ::-1] for aspect, rows in super().embed_images(images).items()}

    def build(*encoders: Encoder) -> Collection:
        source = open_source(f"folder:{paintings}")
        return build_collection(source, encoders, tmp_path / "out", recognition=False, index=lite)

    for module in (space, space_statistics):
        monkeypatch.setattr(module, "COMPACT_FROM", 20)

    made = build(Grid(), Other())
    made.edit(made.ids[1], {"artist": "Changed"})
    made.save()
    before = [record.milvus for record in made.manifest.spaces]
    monkeypatch.setattr(MilvusCollection, "write", None)
    switched = build(Other(), Grid())
    assert [record.name for record in switched.manifest.spaces] == ["other", "grid"]
    assert [record.milvus for record in switched.manifest.spaces] == before[::-1]
    assert len(switched) == 40 and switched.search(work=switched.ids[0], k=1)
