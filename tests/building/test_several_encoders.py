"""Collections of several encoders, built together or one by one: each encoder embeds each picture once."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counting import Counting

from artsim import EncoderError, open_collection
from artsim.embedding.vector_columns import name_spaces, space_name
from artsim.encoders import embed, load_encoder
from artsim.images.decode import load_image

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


@pytest.fixture(scope="module")
def dino(checkpoint: Any) -> Any:
    return load_encoder(str(checkpoint("dinov2")))


def test_each_encoder_has_a_space_with_its_own_vectors(build: Any, clip: Any, dino: Any, pictures: Path) -> None:
    collection = build(clip, dino)
    assert [space.name for space in collection.state.spaces] == ["clip", "dinov2"]
    assert collection.ids == [f"{number:02d}.jpg" for number in range(12)]
    images = [load_image(pictures / identity) for identity in collection.ids]
    for encoder, space in zip((clip, dino), collection.state.spaces, strict=True):
        for aspect, block in embed(encoder, images).items():
            np.testing.assert_allclose(space.raw_blocks()[aspect].all(), block, atol=5e-4)


def test_encoders_are_added_and_left_out_and_each_embeds_once(build: Any, clip: Any, dino: Any, tmp_path: Path) -> None:
    alone = build(clip)
    vectors = alone.state.spaces[0].raw_blocks()
    assert "dinov2_subject" not in alone.manifest.vector_columns
    first, second = Counting(clip), Counting(dino)
    both = build(first, second)
    assert (first.seen, second.seen) == (0, 12)
    for aspect, block in vectors.items():
        assert (both.state.spaces[0].raw_blocks()[aspect].all() == block.all()).all()
    names = both.manifest.vector_columns
    assert [name for name in names if name.endswith("_color")] == ["palette_color"]
    assert {"clip_subject", "clip_style", "dinov2_subject", "dinov2_style"} <= set(names)

    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("[!.]*")}

    before = times()
    told: list[int] = []
    build(first, second, progress=lambda done, total: told.append(done))
    assert told == []
    assert times() == before, "nothing is written"

    def rearranged(*encoders: Any) -> list[str]:
        spaces = build(*encoders, progress=lambda done, total: told.append(done)).state.spaces
        return [space.name for space in spaces]

    assert rearranged(second, first) == ["dinov2", "clip"]
    assert rearranged(first, second) == ["clip", "dinov2"], "and back"
    assert rearranged(second) == ["dinov2"]
    assert told == [], "no picture is read"
    assert rearranged(second, first) == ["dinov2", "clip"] and told, "what was removed is embedded again"
    assert (first.seen, second.seen) == (12, 12)


def test_a_new_picture_is_embedded_once_by_each_encoder(
    build: Any, clip: Any, dino: Any, pictures: Path, paintings: Path
) -> None:
    build(clip, dino)
    shutil.copy(paintings / "30.jpg", pictures / "06a.jpg")
    first, second = Counting(clip), Counting(dino)
    collection = build(first, second)
    assert (first.seen, second.seen) == (1, 1)
    assert (len(collection), collection.ids[6:8]) == (13, ["06.jpg", "06a.jpg"])
    assert collection.search(image=paintings / "30.jpg", k=1)[0].id == "06a.jpg"
    assert collection.picture("07.jpg") == (pictures / "07.jpg").read_bytes()


def test_an_interrupted_build_of_two_encoders_resumes_with_both(build: Any, clip: Any, dino: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(clip, Counting(dino, fail_after=7))
    first, second = Counting(clip), Counting(dino)
    assert len(build(first, second)) == 12
    assert (first.seen, second.seen) == (7, 7)


def test_works_are_added_and_removed_in_every_space(build: Any, clip: Any, dino: Any, paintings: Path) -> None:
    collection = build(clip, dino)
    collection.add([{"image": paintings / "30.jpg", "id": "new"}])
    collection.remove(["00.jpg"])
    again = open_collection(collection.save())
    image = load_image(paintings / "30.jpg")
    for encoder, space in zip((clip, dino), again.state.spaces, strict=True):
        assert len(space) == len(space.index) == 12
        for aspect, block in embed(encoder, [image]).items():
            np.testing.assert_allclose(space.raw_blocks()[aspect].all()[again.state.rows["new"]], block[0], atol=5e-4)


def test_a_build_needs_encoders_each_of_them_once(build: Any, clip: Any) -> None:
    with pytest.raises(EncoderError, match=r"The encoder .*clip is given twice; give each encoder once\."):
        build(clip, clip)
    with pytest.raises(EncoderError, match="Give at least one encoder"):
        name_spaces([])


def test_a_space_has_the_short_name_of_its_encoder_and_encoders_of_one_name_are_numbered(
    checkpoint: Any, clip: Any, tmp_path: Path
) -> None:
    names = [space_name(name) for name in ("openai/clip-vit-base-patch16", "/models/My Model_v2/", "---")]
    assert names == ["clip-vit-base-patch16", "my-model-v2", "encoder"]
    moved = shutil.copytree(checkpoint("dinov2"), tmp_path / "clip")
    reserved = shutil.copytree(checkpoint("dinov2"), tmp_path / "auto")
    encoders = [clip, load_encoder(str(moved)), load_encoder(str(reserved))]
    assert list(name_spaces(encoders)) == ["clip", "clip-2", "auto-2"]


def test_the_app_opens_with_any_of_the_encoders(build: Any, clip: Any, dino: Any, tmp_path: Path) -> None:
    from served import settings_of

    from artsim.ui.startup import open_or_build

    build(clip, dino)
    for name, encoder, space in (("auto", clip, "clip"), ("dinov2", dino, "dinov2"), (dino.id, dino, "dinov2")):
        opened = open_or_build(settings_of("--collection", str(tmp_path / "out"), "--encoder", name))
        assert opened.encoder == encoder.id
        assert {match.encoder for match in opened.collection.search(work="02.jpg")} == {space}
