"""Copies, crops, borders and other reproductions of a work are found; works that only look alike are not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from odd_pictures import encode
from PIL import Image, ImageOps

from artsim import build_collection, open_collection, open_source
from artsim.analysis.duplicate_groups import group_pictures
from artsim.analysis.duplicates import DuplicateGroup, find_duplicates
from artsim.analysis.edge_alignment import edge_alignment
from artsim.analysis.perceptual_hash import BITS, WINDOWS, distances, near_wholes, perceptual_hash
from artsim.analysis.same_work import SameWork
from artsim.errors import CollectionError
from artsim.evaluation.distortions import cropped, framed, generator, jpeg_30
from artsim.images.decode import to_file
from artsim.images.geometry import crop_region
from artsim.index import Rows
from artsim.snapshot.space import make_space
from artsim.snapshot.state import State
from artsim.storage.pictures import NewPictures, Pictures

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


def half_as_large(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2))


def recoloured(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    levels = np.asarray(image) / 255 * rng.uniform(0.75, 1.2, 3)
    return Image.fromarray((np.clip(levels, 0, 1) ** rng.uniform(0.75, 1.35) * 255).astype(np.uint8))


ALTERED = [cropped, jpeg_30, recoloured, framed, half_as_large]
PORTRAITS = ("436105", "436106")  # by David: two large dark pictures with figures
MADONNAS = ("438754", "459136")  # in gold frames of one shape


@pytest.fixture(scope="module")
def with_copies(tmp_path_factory: pytest.TempPathFactory, embedded: Any, met: Any) -> Any:
    """12 paintings of The Met, five altered copies of every third one, a copy of a file, and two Madonnas."""
    folder = tmp_path_factory.mktemp("met") / "collection"
    collection = build_collection(open_source("met"), embedded, folder, limit=12)
    works: list[dict[str, Any]] = []
    for identity in collection.ids[::3]:
        image = collection.image(identity)
        for alter in ALTERED:
            name = alter.__name__
            works.append({"id": f"{identity} {name}", "image": alter(image, generator(2, identity, name))})
    works += [{"id": f"met-{number}", "image": met(number)} for number in MADONNAS]
    works.append({"id": f"{collection.ids[0]} file", "image": collection.picture(collection.ids[0])})
    collection.add(works)
    return collection


@pytest.fixture(scope="module")
def groups(with_copies: Any) -> list[DuplicateGroup]:
    return with_copies.duplicates()


def test_altered_copies_are_found_and_nothing_else_is(with_copies: Any, groups: list[DuplicateGroup]) -> None:
    originals = with_copies.ids[:12:3]
    found = {identity: group for group in groups for identity in group.ids}
    altered = [identity for identity in with_copies.ids if " " in identity]
    missed = [identity for identity in altered if identity.split()[0] not in getattr(found.get(identity), "ids", ())]
    assert (len(altered), missed) == (21, [])
    for group in groups:
        assert len({identity.split()[0] for identity in group.ids}) == 1, group
        assert group.best in originals, "the others are smaller, cropped, or in a frame"
        assert [pair.second for pair in group.pairs] == [identity for identity in group.ids if identity != group.best]
        assert list(group.ids) == sorted(group.ids, key=with_copies.state.rows.__getitem__)


def test_each_member_says_what_it_is_to_the_best(groups: list[DuplicateGroup]) -> None:
    pairs = [(pair.second.split()[-1], pair) for group in groups for pair in group.pairs]
    for name, relations in {
        "file": {"same file"},
        "jpeg_30": {"same picture"},
        "half_as_large": {"same picture"},
        "cropped": {"version"},
        "framed": {"version"},
        "recoloured": {"version", "same picture"},
    }.items():
        assert {pair.relation for kind, pair in pairs if kind == name} <= relations, name
    assert all((pair.places is None) == (pair.relation == "same file") for _, pair in pairs)


@pytest.mark.parametrize("others", [2, 4])
def test_eight_copies_among_few_other_works_are_one_group_of_nine(others: int, copy: Path, met: Any) -> None:
    """What is usual in a collection full of copies says nothing: it is not looked at."""
    collection = open_collection(copy)
    original = met("437881")
    works = [{"id": "original", "image": original}]
    for number, (quality, scale) in enumerate(
        [(95, 1), (85, 1), (70, 1), (55, 1), (40, 1), (85, 0.75), (85, 0.5), (90, 0.4)]
    ):
        size = round(original.width * scale), round(original.height * scale)
        works.append({"id": f"copy {number}", "image": encode(original.resize(size), "JPEG", quality=quality)})
    collection.add(works)
    collection.remove(collection.ids[: 40 - others])
    (group,) = collection.duplicates()
    assert (group.best, len(group.ids)) == ("original", 9)
    assert {pair.relation for pair in group.pairs} == {"same picture"}


def test_other_files_with_equal_pixels_many_equal_files_and_details(copy: Path, met: Any) -> None:
    collection = open_collection(copy)
    original = met("437881")
    detail = crop_region(original, (0.2, 0.1, 0.75, 0.65))
    collection.add(
        [
            *({"id": f"file {number}", "image": encode(original, "PNG")} for number in range(100)),
            {"id": "pixels", "image": encode(original, "PNG", compress_level=1)},
            {"id": "detail", "image": encode(detail.resize((detail.width * 3, detail.height * 3)), "JPEG", quality=90)},
        ]
    )
    (group,) = collection.duplicates()
    assert group.best == "file 0", "though the detail has more pixels"
    kinds = {pair.second.split()[0]: pair.relation for pair in group.pairs}
    assert (len(group.ids), kinds) == (102, {"file": "same file", "pixels": "same pixels", "detail": "detail"})


def test_what_agrees_with_a_member_alone_is_not_in_its_group() -> None:
    """A chain joins no two works: members agree with the best one, or with the same picture as that."""
    version, same = SameWork("version", 20), SameWork("same picture", 200)
    areas = [9, 4, 2, 1]
    chain = {(0, 1): version, (1, 2): version, (2, 3): version}
    groups = group_pictures(chain, areas, lambda first, second: None)
    assert [(group.best, set(group.members)) for group in groups] == [(0, {1}), (2, {3})]
    (group,) = group_pictures({(0, 1): same, (1, 2): version}, areas, lambda first, second: None)
    assert (group.best, dict(group.members)) == (0, {1: same, 2: version})
    larger_detail = {(0, 1): SameWork("detail", 30, worse="first"), (0, 2): version}
    (group,) = group_pictures(larger_detail, areas, lambda first, second: version)
    assert (group.best, set(group.members)) == (1, {0, 2})


def test_a_second_call_reads_only_the_pictures_that_it_compares(with_copies: Any) -> None:
    state, known, read = with_copies.state, {}, []

    def picture(row: int) -> bytes:
        read.append(row)
        return with_copies.picture(with_copies.ids[row])

    steps: list[tuple[int, int | None]] = []
    state = replace(state, pictures=picture)
    first = find_duplicates(state, known=known, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (len(state), len(state))
    assert set(range(len(state))) - set(read) == {len(state) - 1}, "the copy of a file is known by its hash"
    alone = {row for row, identity in enumerate(with_copies.ids) if not any(identity in group.ids for group in first)}
    read.clear()
    assert find_duplicates(state, known=known) == first
    assert not alone & set(read)


def blank(shade: int, seed: int) -> Image.Image:
    """Paper: nearly one shade, with the noise of a scanner."""
    noise = np.random.default_rng(seed).normal(shade, 1.5, (240, 200, 3))
    return Image.fromarray(noise.clip(0, 255).astype(np.uint8))


def test_nearly_blank_pictures_are_not_duplicates(copy: Path) -> None:
    collection = open_collection(copy)
    gradient = Image.fromarray(np.linspace(60, 200, 240)[:, None].repeat(200, 1).astype(np.uint8))
    pictures = [blank(250, 1), blank(250, 2), blank(235, 3), gradient, ImageOps.flip(gradient)]
    collection.add([{"id": f"blank {i}", "image": encode(image, "PNG")} for i, image in enumerate(pictures)])
    assert [group for group in collection.duplicates() if any("blank" in identity for identity in group.ids)] == []
    collection.add([{"id": "blank again", "image": encode(pictures[0], "PNG")}])
    (group,) = [group for group in collection.duplicates() if "blank again" in group.ids]
    assert (group.ids, group.relation) == (("blank 0", "blank again"), "same file")
    collection.add([{"id": "blank pixels", "image": encode(pictures[0], "PNG", compress_level=1)}])
    (group,) = [group for group in collection.duplicates() if "blank again" in group.ids]
    assert [pair.relation for pair in group.pairs] == ["same file", "same pixels"]


def test_two_works_in_frames_of_one_kind_are_not_one_work(met: Any) -> None:
    """Frames have stronger outlines than most pictures, and at the same place."""
    for first, second in (PORTRAITS, MADONNAS):
        assert edge_alignment(met(first), met(second)) < 0.65
    first, second = (ImageOps.expand(met(number).resize((300, 400)), 50, (24, 24, 24)) for number in PORTRAITS)
    walls = [ImageOps.expand(image, 20, (240, 240, 238)) for image in (first, second)]
    assert edge_alignment(*walls) < 0.25
    assert edge_alignment(walls[0], jpeg_30(walls[0], generator(0))) > 0.85


def test_places_decide_where_hash_and_embedding_are_wrong(met: Any) -> None:
    images = [met(number) for number in MADONNAS]
    assert distances(*(perceptual_hash(image)[None] for image in images)) <= 14
    vectors = np.ones((2, 4), np.float32) / 2  # an encoder that sees no difference at all
    space = make_space("blind", "blind", "1", {"subject": Rows.of(vectors)})
    files = [to_file(image) for image in images]
    pictures = Pictures.of(NewPictures([lambda: files[0], lambda: files[1]]))
    state = State(pa.table({"id": ["one", "other"]}), (space,), {}, pictures)
    assert find_duplicates(state, known={}) == []
    files[1] = to_file(crop_region(images[0], (0.03, 0.05, 0.96, 0.98)))
    (group,) = find_duplicates(state, known={})
    assert group.ids == ("one", "other")


def test_a_crop_aligns_with_its_original_in_either_order(met: Any) -> None:
    original = met("437881")
    crop = cropped(original, generator(5))
    assert edge_alignment(original, crop) == pytest.approx(edge_alignment(crop, original))
    assert edge_alignment(original, crop) > 0.9


def test_near_hashes_are_found_among_many_and_a_blank_picture_has_none(met: Any) -> None:
    many = np.random.default_rng(0).integers(1, 2**64, (5000, len(WINDOWS)), dtype=np.uint64)
    many[4000, 0] = many[17, 0] ^ np.uint64(0b1011)
    many[4001, 0] = many[18, 0] ^ np.uint64(0b11111)
    many[[20, 21], 0] = 0  # nearly blank, both
    assert near_wholes(many, 4).tolist() == [[17, 4000]]
    empty, full = perceptual_hash(blank(250, 0)), perceptual_hash(met("437881"))
    assert full.all()
    assert not empty.any()
    assert distances(empty[None], empty[None]).tolist() == distances(empty[None], full[None]).tolist() == [BITS + 1]


def test_duplicates_are_found_in_a_collection_of_one_or_two_works(copy: Path) -> None:
    collection = open_collection(copy)
    picture = collection.image(collection.ids[0])
    collection.remove(collection.ids[1:])
    assert collection.duplicates() == []
    collection.add([{"id": "again", "image": jpeg_30(picture, generator(0))}])
    (group,) = collection.duplicates()
    assert (group.best, group.pairs[0].second, group.relation) == (collection.ids[0], "again", "same picture")


def test_a_broken_picture_is_compared_as_a_file(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    collection = open_collection(copy)
    pictures, rows = collection.state.pictures, len(collection)
    state = replace(collection.state, pictures=lambda row: b"no picture" if row in (3, 5) else pictures(row))
    state = replace(state, table=state.table.drop_columns(["sha256"]))
    (group,) = find_duplicates(state, known={})
    assert (group.ids, group.relation) == ((collection.ids[3], collection.ids[5]), "same file")
    assert "Not compared" in caplog.text and rows == 40


def test_missing_pictures_are_refused(copy: Path) -> None:
    collection = open_collection(copy)
    collection.manifest = replace(collection.manifest, images="urls")
    with pytest.raises(CollectionError, match="holds no pictures"):
        collection.duplicates()
