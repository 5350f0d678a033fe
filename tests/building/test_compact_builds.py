"""Builds of compact collections: a rebuild keeps what was fitted, so that each picture is embedded once."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counting import Grid
from PIL import Image

from artsim import build_collection, open_collection, open_source
from artsim.collection import Collection
from artsim.encoders.protocol import Blocks
from artsim.encoders.region_vectors import REGIONS
from artsim.index import CompactIndex
from artsim.snapshot import space_statistics

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

WORKS = 420


class RegionGrid(Grid):
    """`Grid` with region vectors, those of the quarters of a picture again and again; it counts the pictures it embeds."""

    region_dim = 12
    seen = 0

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        self.seen += len(images)
        return super().embed_images(images)

    def embed_with_regions(self, images: Sequence[Image.Image]) -> tuple[Blocks, np.ndarray]:
        blocks = self.embed_images(images)
        quarters = blocks["subject"].reshape(len(images), 4, 12)
        return blocks, quarters[:, np.arange(len(REGIONS)) % 4]

    def embed_details(self, images: Sequence[Image.Image]) -> np.ndarray:
        return super().embed_images(images)["subject"][:, :12]


class OtherGrid(RegionGrid):
    id = "other"


class Interrupted(RegionGrid):
    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        if self.seen:
            raise KeyboardInterrupt
        return super().embed_images(images)


def draw(folder: Path, name: str, seed: int) -> None:
    colors = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(colors).resize((32, 32), Image.Resampling.NEAREST).save(folder / name)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    for number in range(WORKS):
        draw(folder, f"{number:04d}.png", number)
    return folder


@pytest.fixture
def build(drawn: Path, tmp_path: Path) -> Callable[..., tuple[Any, int]]:
    """`build(encoder, ...)`: the collection in `out`, and how many pictures the first encoder embedded for it."""

    def run(*encoders: Any, source: Path = drawn, **options: Any) -> tuple[Any, int]:
        options = {"recognition": False, **options}  # 420 pictures more to embed
        made = build_collection(open_source(f"folder:{source}"), encoders, tmp_path / "out", **options)
        return made, encoders[0].seen

    return run


def assert_kept(before: Any, now: Any) -> None:
    """The statistics of a space, and the codes of the works that it had."""
    one, other = before.state.spaces[0], now.state.spaces[0]
    assert isinstance(one.index, CompactIndex)
    assert isinstance(other.index, CompactIndex)
    for aspect in one.statistics.aspects:
        np.testing.assert_array_equal(one.statistics.bases[aspect], other.statistics.bases[aspect])
    rows = np.array([now.state.rows[identity] for identity in before.ids])
    np.testing.assert_array_equal(one.index.codes.all(), other.index.codes.take(rows))
    np.testing.assert_array_equal(one.subject.all(), other.subject.take(rows))
    if one.regions is not None:
        np.testing.assert_array_equal(one.regions.vectors.all(), other.regions.vectors.take(rows))
        np.testing.assert_array_equal(one.regions.statistics.mean, other.regions.statistics.mean)


@pytest.mark.parametrize("regions", [pytest.param(False, marks=pytest.mark.sweep), True])
def test_a_rebuild_embeds_only_new_pictures_even_if_it_is_interrupted(
    regions: bool, build: Any, drawn: Path, tmp_path: Path
) -> None:
    before, seen = build(RegionGrid(), regions=regions)
    assert (seen, before.state.spaces[0].is_compact) == (WORKS, True)
    more = tmp_path / "more"
    more.mkdir()
    for path in drawn.iterdir():
        (more / path.name).hardlink_to(path)
    draw(more, "0007 new.png", 1_000)
    draw(more, "zzz.png", 1_001)
    interrupted = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        build(interrupted, source=more, regions=regions)
    now, seen = build(RegionGrid(), source=more, regions=regions)
    assert (interrupted.seen, seen) == (1, 1)
    assert_kept(before, now)
    searched = Collection(state=now.state, manifest=now.manifest, folder=None, encoders={"grid": RegionGrid()})
    for name in ("0007 new.png", "0008.png", "zzz.png"):
        (match,) = searched.search(image=more / name, k=1)
        assert match.id == name
        assert now.picture(name) == (more / name).read_bytes()
    again, seen = build(RegionGrid(), source=more, regions=regions, title="Another title")
    assert seen == 0
    assert_kept(now, again)
    assert open_collection(tmp_path / "out", verify=True).ids == sorted([*before.ids, "0007 new.png", "zzz.png"])


def test_another_encoder_joins_and_the_first_embeds_nothing(build: Any) -> None:
    before, _ = build(RegionGrid(), regions=True)
    both, seen = build(RegionGrid(), OtherGrid())
    assert seen == 0
    assert [space.is_compact for space in both.state.spaces] == [True, True]
    assert [space.regions for space in both.state.spaces] == [None, None]
    other, seen = build(OtherGrid(), RegionGrid())
    assert seen == 0
    assert [space.name for space in other.state.spaces] == ["other", "grid"]
    rows = np.arange(WORKS)
    assert (before.state.spaces[0].index.vectors(rows) == other.state.spaces[1].index.vectors(rows)).all()


def test_what_a_compact_space_cannot_give_is_embedded_again(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    build(RegionGrid())
    collection, seen = build(RegionGrid(), regions=True)
    assert (seen, len(collection.state.spaces[0].regions.boxes)) == (WORKS, len(REGIONS))
    whole, seen = build(RegionGrid(), whole=True)
    assert (seen, whole.state.spaces[0].is_compact) == (WORKS, False)
    assert len(whole.state.spaces[0].raw_blocks()["style"]) == WORKS
    compact, seen = build(RegionGrid())
    assert (seen, compact.state.spaces[0].is_compact) == (0, True), "whole vectors can be fitted again"
    monkeypatch.setattr(space_statistics, "REFIT_FROM", 1)
    _, seen = build(RegionGrid(), title="The collection has outgrown what was fitted")
    assert seen == WORKS
    small, seen = build(RegionGrid(), limit=300)
    assert (seen, small.state.spaces[0].is_compact) == (300, False)
