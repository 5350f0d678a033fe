"""Collections of several encoders, built together or one by one: each encoder embeds each picture once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artsim import EncoderError, build_collection, open_collection, open_source
from artsim.building import pipeline as build_module
from artsim.embedding.vector_columns import name_spaces
from artsim.encoders import embed, load_encoder
from artsim.encoders.protocol import Blocks
from artsim.images.decode import load_image


class Counting:
    """A real encoder that counts the pictures it embeds."""

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self.seen = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        self.seen += len(images)
        return self._encoder.embed_images(images)


@pytest.fixture(scope="module")
def dino(checkpoint: Any) -> Any:
    return load_encoder(str(checkpoint("dinov2")))


@pytest.fixture
def pictures(paintings: Path, tmp_path: Path) -> Path:
    """A folder of twelve paintings that a test may change."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        shutil.copy(paintings / f"{number:02d}.jpg", folder)
    return folder


@pytest.fixture
def build(pictures: Path, tmp_path: Path) -> Callable[..., Any]:
    """`build(one, another)`: a collection of `pictures` in `out`."""

    def run(*encoders: Any, **options: Any) -> Any:
        return build_collection(open_source(f"folder:{pictures}"), encoders, tmp_path / "out", **options)

    return run


def test_each_encoder_has_a_space_with_its_own_vectors(build: Any, clip: Any, dino: Any, pictures: Path) -> None:
    collection = build(clip, dino)
    assert [space.name for space in collection.state.spaces] == ["clip", "dinov2"]
    images = [load_image(pictures / identity) for identity in collection.ids]
    for encoder, space in zip((clip, dino), collection.state.spaces, strict=True):
        for aspect, block in embed(encoder, images).items():
            np.testing.assert_allclose(space.raw_blocks()[aspect], block, atol=2e-5)


def test_the_palette_is_stored_once(build: Any, clip: Any, dino: Any) -> None:
    names = build(clip, dino).dataset().column_names
    assert [name for name in names if name.endswith("_color")] == ["palette_color"]
    assert {"clip_subject", "clip_style", "dinov2_subject", "dinov2_style"} <= set(names)


def test_the_dataset_of_a_collection_that_was_built_again_is_the_new_one(build: Any, clip: Any, dino: Any) -> None:
    assert "dinov2_subject" not in build(clip).dataset().column_names
    assert "dinov2_subject" in build(clip, dino).dataset().column_names


def test_adding_an_encoder_embeds_with_that_one_only(build: Any, clip: Any, dino: Any) -> None:
    alone = build(clip).state.spaces[0].raw_blocks()
    first, second = Counting(clip), Counting(dino)
    both = build(first, second)
    assert (first.seen, second.seen) == (0, 12)
    for aspect, block in alone.items():
        assert (both.state.spaces[0].raw_blocks()[aspect] == block).all()


def test_a_new_picture_is_embedded_once_by_each_encoder(
    build: Any, clip: Any, dino: Any, pictures: Path, paintings: Path
) -> None:
    build(clip, dino)
    shutil.copy(paintings / "30.jpg", pictures / "06a.jpg")
    first, second = Counting(clip), Counting(dino)
    assert len(build(first, second)) == 13
    assert (first.seen, second.seen) == (1, 1)


def test_an_encoder_can_be_left_out_again_or_come_first(build: Any, clip: Any, dino: Any) -> None:
    build(clip, dino)
    first, second = Counting(clip), Counting(dino)
    assert [space.name for space in build(second, first).state.spaces] == ["dinov2", "clip"]
    assert [space.name for space in build(second).state.spaces] == ["dinov2"]
    assert (first.seen, second.seen) == (0, 0)


def test_an_interrupted_build_of_two_encoders_resumes_with_both(
    build: Any, clip: Any, dino: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_module, "BATCH", 5)

    class Stopping(Counting):
        def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
            if self.seen + len(images) > 7:
                raise KeyboardInterrupt
            return super().embed_images(images)

    with pytest.raises(KeyboardInterrupt):
        build(clip, Stopping(dino))
    first, second = Counting(clip), Counting(dino)
    assert len(build(first, second)) == 12
    assert (first.seen, second.seen) == (7, 7)


def test_a_repeated_build_changes_nothing(build: Any, clip: Any, dino: Any, tmp_path: Path) -> None:
    build(clip, dino)
    before = (tmp_path / "out" / "artsim.json").read_bytes()
    first, second = Counting(clip), Counting(dino)
    build(first, second)
    assert (first.seen, second.seen) == (0, 0)
    assert (tmp_path / "out" / "artsim.json").read_bytes() == before


def test_works_are_added_and_removed_in_every_space(
    build: Any, clip: Any, dino: Any, paintings: Path, tmp_path: Path
) -> None:
    collection = build(clip, dino)
    collection.add([{"image": paintings / "30.jpg", "id": "new"}])
    collection.remove(["00.jpg"])
    collection.save()
    again = open_collection(tmp_path / "out")
    image = load_image(paintings / "30.jpg")
    for encoder, space in zip((clip, dino), again.state.spaces, strict=True):
        assert len(space.statistics) == len(space.index) == 12
        for aspect, block in embed(encoder, [image]).items():
            np.testing.assert_allclose(space.raw_blocks()[aspect][again.state.rows["new"]], block[0], atol=2e-5)


def test_an_encoder_given_twice_is_refused(build: Any, clip: Any) -> None:
    with pytest.raises(EncoderError, match=r"The encoder .*clip is given twice; give each encoder once\."):
        build(clip, clip)


def test_a_build_without_encoders_is_refused(build: Any) -> None:
    with pytest.raises(EncoderError, match="Give at least one encoder"):
        build()


def test_encoders_of_one_name_are_numbered(checkpoint: Any, clip: Any, tmp_path: Path) -> None:
    moved = shutil.copytree(checkpoint("dinov2"), tmp_path / "clip")
    reserved = shutil.copytree(checkpoint("dinov2"), tmp_path / "auto")
    encoders = [clip, load_encoder(str(moved)), load_encoder(str(reserved))]
    assert list(name_spaces(encoders)) == ["clip", "clip-2", "auto-2"]


def test_the_command_takes_several_encoders(paintings: Path, checkpoint: Any, tmp_path: Path) -> None:
    script = Path(__file__).resolve().parents[2] / "scripts" / "build_collection.py"
    command = [sys.executable, script, "--source", f"folder:{paintings}", "--out", tmp_path / "out", "--limit", "4"]
    command += ["--encoder", checkpoint("clip"), "--encoder", checkpoint("resnet")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Encoder: ") == 2
    collection = open_collection(tmp_path / "out")
    assert [space.name for space in collection.state.spaces] == ["clip", "resnet"]
    assert {match.encoder for match in collection.search(work="02.jpg", encoder="resnet")} == {"resnet"}


def test_the_app_opens_with_any_of_the_encoders(build: Any, clip: Any, dino: Any, tmp_path: Path) -> None:
    from served import settings_of

    from artsim.ui.startup import open_or_build

    build(clip, dino)
    out = str(tmp_path / "out")
    names = ("auto", "dinov2", dino.id, "embedded")
    settings = {name: settings_of("--collection", out, "--encoder", name) for name in names}
    assert open_or_build(settings["auto"]).encoder == clip.id
    for name in ("dinov2", dino.id):
        opened = open_or_build(settings[name])
        assert opened.encoder == dino.id
        assert {match.encoder for match in opened.collection.search(work="02.jpg")} == {"dinov2"}
    message = r"was made with the encoder .*clip and .*dinov2 and can only be searched with"
    with pytest.raises(EncoderError, match=message):
        open_or_build(settings["embedded"])
