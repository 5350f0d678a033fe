"""Detail search finds the work and the place of a detail; regions are saved, verified, rebuilt, added and removed."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from manifests import manifest_of
from overlap import intersection_over_union
from PIL import Image

from artsim import Collection, Part, QueryError, build_collection, open_collection, open_source
from artsim.encoders.protocol import unit_rows
from artsim.encoders.region_vectors import REGIONS, averaged_over_regions, embed_details, embed_with_regions, region_dim
from artsim.images.decode import load_image
from artsim.images.geometry import crop_region
from artsim.index import Rows
from artsim.snapshot.region_index import fit_regions, index_regions
from artsim.snapshot.space import make_space

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

STATISTICS, COLUMN = "generations/000001/embedded.regions.safetensors", "embedded_regions"
PLACE = (0.35, 0.1, 0.9, 0.65)  # a detail: 30 % of the area


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, embedded: Any) -> Path:
    """12 paintings of The Met with regions. Only for reading."""
    folder = tmp_path_factory.mktemp("regions") / "met"
    build_collection(open_source("met"), embedded, folder, limit=12, regions=True)
    return folder


@pytest.fixture(scope="module")
def works(folder: Path) -> Any:
    """`folder`, opened. Only for searching."""
    return open_collection(folder)


@pytest.fixture
def changed(folder: Path, tmp_path: Path) -> Path:
    """A copy of `folder` for a test to change or to damage."""
    return Path(shutil.copytree(folder, tmp_path / "changed"))


def detail_of(collection: Any, identity: str, place: tuple[float, float, float, float] = PLACE) -> Image.Image:
    return crop_region(collection.image(identity), place)


def test_echoes_are_other_works_with_a_detail_of_a_work_each_once(changed: Path) -> None:
    works = open_collection(changed)
    [own, other] = works.ids[:2]
    host = works.image(other).copy()
    detail = detail_of(works, own)
    host.paste(detail.resize((host.width * 2 // 3, host.height * 2 // 3)), (0, 0))
    works.add([{"id": "echo", "image": host}])
    echoes = works.echoes(own, k=4)
    assert echoes is not None
    assert echoes.work["id"] == own and echoes.region in REGIONS
    assert echoes.found[0].work["id"] == "echo"
    assert len({echo.work["id"] for echo in echoes.found} - {own}) == 4
    assert intersection_over_union(echoes.region, PLACE) > 0.15


def test_a_detail_finds_its_work_and_where_it_is(works: Any) -> None:
    for identity in works.ids[::4]:
        first, second = works.search(image=detail_of(works, identity), detail=True, k=2)
        assert first.id == identity
        assert first.region in REGIONS
        assert intersection_over_union(first.region, PLACE) > 0.4
        assert first.close
        assert first.percentile > 99
        assert 0 <= second.score <= first.score <= 1
        assert second.region in REGIONS


def test_details_are_found_in_a_compact_space_too(works: Any, tmp_path: Path) -> None:
    (whole,) = works.state.spaces
    blocks, segments = whole.raw_blocks(), whole.statistics.segments
    space = make_space(
        "embedded", whole.encoder, whole.revision, blocks, segments=segments, regions=whole.regions.vectors, whole=False
    )
    Collection(state=replace(works.state, spaces=(space,)), manifest=works.manifest, folder=None).save(tmp_path)
    assert manifest_of(tmp_path)["spaces"][0]["regions"]["column"]["type"] == "uint8"
    collection = open_collection(tmp_path)
    for identity in works.ids[::4]:
        (match,) = collection.search(image=detail_of(works, identity), detail=True, k=1)
        assert match.id == identity
        assert intersection_over_union(match.region, PLACE) > 0.4


def test_filters_limits_and_works_of_the_query_are_respected(works: Any) -> None:
    identity = works.ids[5]
    picture = detail_of(works, identity)
    artist = works.work(identity)["artist"]
    found = works.search(image=picture, detail=True, where={"artist": artist}, k=12)
    assert found[0].id == identity
    assert {match.work["artist"] for match in found} == {artist}
    assert works.search(image=picture, detail=True, where={"artist": "Nobody"}) == []
    others = works.search(work=identity, region=PLACE, detail=True, k=12)
    assert len(others) == 11
    assert identity not in [match.id for match in others]
    assert artist not in {match.work["artist"] for match in works.search(work=identity, detail=True, other=["artist"])}
    varied = works.search(image=picture, detail=True, at_most={"artist": 1}, k=12)
    artists = [match.work["artist"] for match in varied if match.work["artist"] is not None]
    assert len(artists) == len(set(artists))
    assert varied[0].id == identity


def test_parts_for_and_against_add_up_per_work(works: Any) -> None:
    one, other = works.ids[2], works.ids[9]
    both = [Part(image=detail_of(works, one)), Part(image=detail_of(works, other))]
    assert {one, other} <= {match.id for match in works.search(parts=both, detail=True, k=4)}
    against = [both[0], Part(image=detail_of(works, other), weight=-1.0)]
    ranked = [match.id for match in works.search(parts=against, detail=True, k=12)]
    assert ranked[0] == one
    assert ranked[-1] == other


def test_every_work_is_ranked_once_and_k_is_kept(works: Any) -> None:
    picture = detail_of(works, works.ids[1])
    everything = works.search(image=picture, detail=True, k=1000)
    assert sorted(match.id for match in everything) == sorted(works.ids)
    assert [match.rank for match in everything] == list(range(1, 13))
    scores = [match.score for match in everything]
    assert scores == sorted(scores, reverse=True)
    assert [match.id for match in works.search(image=picture, detail=True, k=3)] == [m.id for m in everything[:3]]


def test_invalid_detail_searches_raise_a_one_line_error(works: Any, collection: Any, painting: bytes) -> None:
    with pytest.raises(QueryError, match=r"has no region index, .*Build it again with --regions"):
        collection.search(image=painting, detail=True)
    for options, message in (
        ({"image": painting, "text": "a lute"}, "leave the text out"),
        ({"image": painting, "preset": "style"}, "leave aspects, preset and ranking out"),
        ({"image": painting, "encoder": "fusion"}, "uses one encoder, not 'fusion'"),
        ({}, "nothing to search for"),
    ):
        with pytest.raises(QueryError, match=message):
            works.search(**options, detail=True)


def test_the_manifest_says_where_the_regions_are(folder: Path, works: Any) -> None:
    manifest = manifest_of(folder)
    (space,) = manifest["spaces"]
    regions = space["regions"]
    assert regions["column"] == {"name": COLUMN, "type": "float16", "length": len(REGIONS) * 192}
    assert (regions["statistics"], regions["dim"]) == (STATISTICS, 192)
    assert [tuple(box) for box in regions["boxes"]] == list(REGIONS)
    assert STATISTICS in manifest["files"]
    assert works.state.spaces[0].regions.boxes == REGIONS
    assert COLUMN not in works.state.schema
    assert f"`{COLUMN}` | {len(REGIONS) * 192} × float16" in (folder / "README.md").read_text(encoding="utf-8")


def test_regions_are_added_and_removed_with_their_works(changed: Path, met_works: list[dict[str, Any]]) -> None:
    collection = open_collection(changed)
    before = collection.state.spaces[0].regions.statistics
    collection.add([{"id": f"new {row}", "image": met_works[row]["image"]["bytes"]} for row in range(50, 55)])
    after = collection.state.spaces[0].regions.statistics
    assert (before.fitted, after.fitted) == (12, 17), "many new works refit the statistics"
    assert not np.array_equal(before.mean, after.mean)
    gone, kept = collection.ids[0], collection.ids[11]
    gone_detail = detail_of(collection, gone)
    collection.remove([gone])
    for stage in ("in memory", "saved"):
        for identity in ("new 50", "new 54", kept):
            assert collection.search(image=detail_of(collection, identity), detail=True, k=1)[0].id == identity, stage
        assert gone not in [match.id for match in collection.search(image=gone_detail, detail=True, k=100)]
        assert len(collection.state.spaces[0].regions.index) == 16 * len(REGIONS)
        collection.save()
        collection = open_collection(changed)


def test_a_build_with_regions_adds_them_and_one_without_drops_them(paintings: Path, clip: Any, tmp_path: Path) -> None:
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    pictures.mkdir()
    for number in range(4):
        shutil.copy(paintings / f"{number:02d}.jpg", pictures)
    source = f"folder:{pictures}"
    assert build_collection(open_source(source), clip, out).state.spaces[0].regions is None
    collection = build_collection(open_source(source), clip, out, regions=True)
    regions = collection.state.spaces[0].regions
    assert len(regions.index) == 4 * len(REGIONS)
    picture = collection.image(collection.ids[2])
    assert collection.search(image=picture, detail=True, k=1)[0].id == collection.ids[2]
    assert build_collection(open_source(source), clip, out).state.spaces[0].regions is None
    assert not list(out.rglob("*regions*"))


def test_a_region_vector_is_the_mean_of_its_patches() -> None:
    maps = np.random.default_rng(0).random((2, 5, 10, 20)).astype(np.float32)
    regions = averaged_over_regions(maps)
    assert regions.shape == (2, len(REGIONS), 5)
    np.testing.assert_allclose(regions[:, 0], unit_rows(maps.mean(axis=(2, 3))), atol=1e-5)
    corner = REGIONS.index((0.0, 0.0, 0.4, 0.4))
    np.testing.assert_allclose(regions[:, corner], unit_rows(maps[:, :, :4, :8].mean(axis=(2, 3))), atol=1e-5)


def test_a_patch_partly_inside_counts_in_part() -> None:
    maps = np.zeros((1, 2, 2, 2), np.float32)
    maps[0, 0, 0, 0] = maps[0, 1, 0, 1] = 1.0  # upper left and upper right
    left = averaged_over_regions(maps)[0, REGIONS.index((0.0, 0.0, 0.62, 0.62))]
    assert left[1] / left[0] == pytest.approx(0.12 / 0.5, rel=1e-4)


def test_regions_come_with_the_same_blocks_as_without_regions(embedded: Any, met_works: list[dict[str, Any]]) -> None:
    images = [load_image(met_works[row]["image"]["bytes"], short_side=320) for row in (1, 2)]
    blocks, regions = embed_with_regions(embedded, images)
    assert regions.shape == (2, len(REGIONS), region_dim(embedded))
    for aspect, block in embedded.embed_images(images).items():
        np.testing.assert_allclose(blocks[aspect], block, atol=1e-5)


def test_any_encoder_with_patches_gives_regions(embedded: Any, met_works: list[dict[str, Any]]) -> None:
    """An encoder of another author may have the required methods only."""
    encoder: Any = SimpleNamespace(embed_images=embedded.embed_images, embed_patches=embedded.embed_patches)
    images = [load_image(met_works[row]["image"]["bytes"], short_side=320) for row in range(4)]
    _, regions = embed_with_regions(encoder, images)
    assert regions.shape == (4, len(REGIONS), region_dim(encoder)) == (4, len(REGIONS), 1280)
    space = index_regions(Rows.of(regions.reshape(4, -1)), compact=False)
    details = space.statistics.index_vectors(embed_details(encoder, [crop_region(image, PLACE) for image in images]))
    likeness = np.einsum("wrd,qd->qwr", space.of_works(np.arange(4)), details)
    right = likeness.max(axis=2).argmax(axis=1) == np.arange(4)
    assert right.sum() >= 3


def test_one_work_alone_can_have_regions() -> None:
    raw = unit_rows(np.random.default_rng(1).random((1, len(REGIONS) * 6)))
    statistics = fit_regions(Rows.of(raw), compact=False)
    assert not statistics.mean.any()
    assert len(statistics.pairs) == 0
