"""Preprocessing: margins are left out of vectors, never of pictures, alike in builds, added works and queries."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counting import Counting
from manifests import manifest_of, rewrite
from PIL import Image, ImageOps

from artsim import build_collection, open_collection, open_source
from artsim.embedding.decoded_works import decode_side, decode_works
from artsim.embedding.embed_works import embed_works
from artsim.embedding.preprocessing import Preprocessing, decode_picture
from artsim.encoders.region_vectors import embed_with_regions
from artsim.errors import CollectionError
from artsim.images.decode import load_image

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory, met_works: list[dict[str, Any]]) -> Path:
    """Six paintings as they are, and the same six in a mount: 0.png ... and 0-mounted.png ..."""
    folder = tmp_path_factory.mktemp("mounted")
    for number, work in enumerate(met_works[:6]):
        image = ImageOps.contain(load_image(work["image"]["bytes"]), (90, 90))
        image.save(folder / f"{number}.png")
        ImageOps.expand(image, 16, "white").save(folder / f"{number}-mounted.png")
    return folder


def cosines(collection: Any) -> np.ndarray:
    """Of the plain subject vectors of each work and the same in a mount."""
    space = collection.state.spaces[0]
    rows = [
        space.plain(np.array([collection.state.row_of(f"{n}{end}.png") for n in range(6)])) for end in ("", "-mounted")
    ]
    return np.einsum("nd,nd->n", *rows)


@pytest.mark.parametrize("color", [(255, 255, 255), (0, 0, 0), (190, 170, 120)], ids=str)
def test_a_mounted_painting_has_the_vectors_of_the_plain_one(
    color: tuple[int, int, int], embedded: Any, met_works: list[dict[str, Any]]
) -> None:
    plain = [load_image(work["image"]["bytes"]) for work in met_works[:3]]
    works = [{"image": image} for image in (*plain, *(ImageOps.expand(one, one.height // 6, color) for one in plain))]
    side = decode_side([embedded])
    vectors = embed_works(decode_works(works, side=side), {"embedded": embedded}).vectors["embedded"].blocks
    kept = decode_works(works, side=side, preprocessing=Preprocessing(keep_margins=True))
    with_margins = embed_works(kept, {"embedded": embedded}).vectors["embedded"].blocks
    for aspect, rows in vectors.items():
        assert np.einsum("nd,nd->n", rows[:3], rows[3:]).min() > 0.99, aspect
        assert np.einsum("nd,nd->n", with_margins[aspect][:3], with_margins[aspect][3:]).max() < 0.985, aspect


def test_builds_additions_and_queries_follow_the_setting_of_the_collection(
    mounted: Path, clip: Any, tmp_path: Path
) -> None:
    source = open_source(f"folder:{mounted}")
    picture = mounted / "2-mounted.png"
    for keep in (False, True):
        folder = tmp_path / f"keep-{keep}"
        build_collection(source, clip, folder, keep_margins=keep)
        collection = open_collection(folder)
        assert manifest_of(folder)["spaces"][0]["preprocessing"] == str(Preprocessing(keep_margins=keep))
        assert bool(cosines(collection).min() > 0.99) is not keep
        cosine = {match.id: match.cosine for match in collection.search(image=picture, k=12, ranking="cosine")}
        assert cosine["2-mounted.png"] == pytest.approx(1, abs=1e-3)
        assert bool(cosine["2.png"] > 0.99) is not keep
        with Image.open(picture) as shown:
            assert collection.image("2-mounted.png").size == shown.size, "people see the mount"
        added = collection.add([{"id": "again", "image": picture}])
        rows = np.array([collection.state.row_of(name) for name in (*added, "2-mounted.png")])
        np.testing.assert_allclose(*collection.state.spaces[0].plain(rows), atol=2e-3)
        collection.save()
        assert manifest_of(folder)["spaces"][0]["preprocessing"] == str(Preprocessing(keep_margins=keep))


def test_known_vectors_of_another_preprocessing_are_not_reused(mounted: Path, clip: Any, tmp_path: Path) -> None:
    source, folder = open_source(f"folder:{mounted}"), tmp_path / "collection"
    build_collection(source, clip, folder)
    for keep, expected in ((False, 0), (True, 12), (True, 0), (False, 12)):
        counting = Counting(clip)
        assert len(build_collection(source, counting, folder, keep_margins=keep)) == 12
        assert counting.seen == expected
    rewrite(folder, lambda manifest: manifest["spaces"][0].update(preprocessing="0"))
    counting = Counting(clip)
    build_collection(source, counting, folder)
    assert counting.seen == 12


@pytest.mark.parametrize("recorded", [None, "0", "2", "1, turned"])
def test_a_collection_of_another_preprocessing_is_to_be_built_again(recorded: str | None, copy: Path) -> None:
    rewrite(copy, lambda manifest: manifest["spaces"][0].update(preprocessing=recorded))
    again = r"artsim\.json was made by an artsim that prepares pictures differently; build it again\.$"
    with pytest.raises(CollectionError, match=again):
        open_collection(copy)


def test_regions_are_places_in_the_picture_that_people_see(embedded: Any, mounted: Path) -> None:
    works = decode_works([{"image": mounted / "1-mounted.png"}], side=decode_side([embedded]))
    assert works[0].seen.size != works[0].image.size
    vectors = embed_works(works, {"embedded": embedded}, regions=["embedded"]).vectors["embedded"].regions
    assert vectors is not None
    expected = embed_with_regions(embedded, [works[0].image])[1].reshape(1, -1)
    np.testing.assert_allclose(vectors, expected, atol=2e-3)


def test_a_region_is_cut_out_before_margins_are(mounted: Path) -> None:
    picture = mounted / "0-mounted.png"
    with Image.open(picture) as image:
        size = image.size
    whole = decode_picture(picture, side=64, preprocessing=Preprocessing(), region=(0, 0, 1, 1))
    half = decode_picture(picture, side=64, preprocessing=Preprocessing(), region=(0, 0, 0.5, 1))
    assert whole.image.size == size
    assert whole.seen.size == (size[0] - 32, size[1] - 32)
    assert half.image.size == (round(size[0] / 2), size[1])
    assert half.seen.width == half.image.width, "of the mount on three sides, only opposite ones are left out"


def test_thin_pictures_are_small_before_they_are_embedded() -> None:
    wide = Image.new("RGB", (400_000, 8), "white")
    wide.paste((200, 30, 30), (0, 0, 200_000, 8))
    decoded = decode_picture(wide, side=64, preprocessing=Preprocessing())
    assert 16 <= decoded.seen.width / decoded.seen.height < 33
    assert json.dumps(decoded.seen.getpixel((10, 4))) == "[200, 30, 30]"
