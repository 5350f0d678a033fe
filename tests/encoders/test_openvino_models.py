"""Models of transformers in OpenVINO: the vectors are PyTorch's, models are converted once, PyTorch takes over what fails."""

import json
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_server.client import run_python
from PIL import Image

from artsim.encoders import load_encoder, openvino_models
from artsim.encoders.openvino_models import OpenVinoModel
from artsim.encoders.torch_model import TorchModel
from artsim.encoders.transformers import TransformersEncoder
from artsim.images.decode import load_image

pytest.importorskip("openvino")
pytestmark = pytest.mark.slow  # the file takes more than a few seconds

ROOT = Path(__file__).resolve().parents[2]
KINDS = ["clip", "siglip", "siglip2", "dinov2", "dinov3", "resnet", "efficientnet"]
Checkpoint = Callable[[str], Path]

WATCH = """
import os, sys
def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        with open(os.environ["ARTSIM_TEST_SOCKETS"], "a") as file:
            print(event, arguments, file=file)
sys.addaudithook(watch)
with open(os.environ["ARTSIM_TEST_SOCKETS"], "a") as file:
    print("watching", *sys.argv, file=file)
"""


def in_pytorch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "openvino", None)
        encoder: Any = load_encoder(str(folder))
    assert isinstance(encoder._model, TorchModel)
    return encoder


def cosines(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    assert ours.shape == theirs.shape
    return np.einsum("...d,...d->...", ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_those_of_pytorch(
    kind: str, checkpoint: Checkpoint, met_works: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder: Any = load_encoder(str(checkpoint(kind)))
    other = in_pytorch(checkpoint(kind), monkeypatch)
    assert isinstance(encoder._model, OpenVinoModel)
    assert (encoder.revision, encoder.segments, encoder.region_dim) == (
        other.revision,
        other.segments,
        other.region_dim,
    )
    pictures = [load_image(work["image"]["bytes"], short_side=64) for work in met_works[:20]]
    (blocks, regions), (others, other_regions) = (each.embed_with_regions(pictures) for each in (encoder, other))
    for aspect, rows in blocks.items():
        assert cosines(rows, others[aspect]).min() > 0.9999, aspect
    assert cosines(regions, other_regions).min() > 0.9999
    assert cosines(encoder.embed_patches(pictures[0]), other.embed_patches(pictures[0])).min() > 0.9999
    if encoder.embeds_text:
        texts = ["a painting of a Horse", "x"]
        assert cosines(encoder.embed_texts(texts), other.embed_texts(texts)).min() > 0.9999


def test_a_converted_model_needs_neither_pytorch_nor_transformers(checkpoint: Checkpoint) -> None:
    load_encoder(str(checkpoint("clip")))  # converts it
    code = (
        "import sys\nfrom PIL import Image\nfrom artsim.encoders import load_encoder\n"
        f"encoder = load_encoder({str(checkpoint('clip'))!r})\n"
        "print(encoder.embed_images([Image.new('RGB', (64, 80))])['subject'].shape, encoder.embed_texts(['a']).shape)\n"
        "print([name for name in sys.modules if name in ('torch', 'transformers', 'openvino_telemetry')])\n"
    )
    done = run_python(code, {**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout == "(1, 24) (1, 24)\n[]\n", done.stderr


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new cache folder; the folder of converted models in it."""
    monkeypatch.setenv("ARTSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "openvino"


def conversions(caplog: pytest.LogCaptureFixture) -> int:
    """How many there were since this was last called."""
    count = caplog.text.count("is converted for OpenVINO")
    caplog.clear()
    return count


def test_a_conversion_opens_no_socket_and_leaves_nothing_but_the_cache(
    checkpoint: Checkpoint, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenVINO's converter reports to its makers each time that it is imported, if their package for that is there."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    (tmp_path / "home").mkdir()
    for name in ("CI", "GITHUB_ACTIONS", "TF_BUILD", "JENKINS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "watch"))
    monkeypatch.setenv("ARTSIM_TEST_SOCKETS", str(tmp_path / "sockets"))
    encoder: Any = load_encoder(str(checkpoint("resnet")))
    assert isinstance(encoder._model, OpenVinoModel)
    (line,) = (tmp_path / "sockets").read_text(encoding="utf-8").splitlines()
    assert line.startswith("watching")
    assert not [path for path in (tmp_path / "home").rglob("*") if "intel" in str(path).lower()]


def test_a_model_is_converted_once_and_again_when_the_cache_is_damaged_or_outdated(
    checkpoint: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    picture = Image.effect_noise((64, 64), 90).convert("RGB")

    def subject() -> np.ndarray:
        encoder: Any = load_encoder(str(checkpoint("resnet")))
        assert isinstance(encoder._model, OpenVinoModel)
        return encoder.embed_images([picture])["subject"]

    first = subject()
    assert conversions(caplog) == 1
    assert (subject() == first).all()
    assert conversions(caplog) == 0
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    assert sorted(path.name for path in folder.iterdir()) == ["images.bin", "images.xml", "model.json"]
    for name, damage in {"images.bin": b"\0" * 999, "images.xml": None, "model.json": b"{"}.items():
        whole = (folder / name).read_bytes()
        (folder / name).unlink()
        if damage is not None:
            (folder / name).write_bytes(damage)
        assert openvino_models._read(folder) is None
        (folder / name).write_bytes(whole)
    assert (subject() == first).all()
    assert conversions(caplog) == 1
    monkeypatch.setattr(openvino_models, "RECIPE", openvino_models.RECIPE + 1)
    assert (subject() == first).all()
    assert conversions(caplog) == 1
    (new,) = (path for path in cache.iterdir() if path.is_dir())
    assert new != folder, "the outdated one is gone"


def broken(out: Path) -> None:
    """What a conversion leaves that does not know the network."""
    (out / "model.json").write_text(json.dumps({"problem": "No rule for aten::new"}), encoding="utf-8")


FAILURES: dict[str, tuple[str, str]] = {
    "killed": ("import os; os.kill(os.getpid(), 9)", "its conversion ended with -9"),
    "crash": ("raise MemoryError('too much')", "its conversion ended with 1: MemoryError: too much"),
    "left nothing": ("", "its conversion left no model"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_when_a_conversion_fails_pytorch_runs_and_the_next_start_tries_again(
    failure: str, checkpoint: Checkpoint, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    code, words = FAILURES[failure]
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\n{code}\n", encoding="utf-8")
    script.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(script))
        encoder: Any = load_encoder(str(checkpoint("resnet")))
    assert isinstance(encoder._model, TorchModel)
    assert f"OpenVINO cannot run {checkpoint('resnet')} ({words}" in caplog.text
    assert not [path for path in cache.iterdir() if path.is_dir()]
    if failure == "killed":
        again: Any = load_encoder(str(checkpoint("resnet")))
        assert isinstance(again._model, OpenVinoModel)


def test_a_network_that_cannot_be_converted_is_not_tried_again(
    checkpoint: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(openvino_models, "_run_conversion", lambda name, commit, out: broken(out))
    for count in (1, 0):
        encoder: Any = load_encoder(str(checkpoint("resnet")))
        assert isinstance(encoder._model, TorchModel)
        assert "(No rule for aten::new): it runs with PyTorch, more slowly." in caplog.text
        assert conversions(caplog) == count


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the administrator writes anywhere")
def test_a_cache_that_cannot_be_written_leaves_pytorch(
    checkpoint: Checkpoint, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.parent.mkdir()
    cache.parent.chmod(0o500)
    encoder: Any = load_encoder(str(checkpoint("resnet")))
    assert isinstance(encoder._model, TorchModel)
    assert "it runs with PyTorch, more slowly" in caplog.text


def test_another_device_than_the_cpu_is_left_to_pytorch(checkpoint: Checkpoint, cache: Path) -> None:
    encoder: Any = TransformersEncoder(str(checkpoint("resnet")), device="meta")
    assert isinstance(encoder._model, TorchModel)
    assert not cache.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as on Linux")
def test_the_file_of_the_weights_takes_no_memory_beside_the_model(checkpoint: Checkpoint) -> None:
    encoder: Any = load_encoder(str(checkpoint("clip")))
    encoder.embed_images([Image.new("RGB", (40, 30))])
    maps = Path("/proc/self/smaps").read_text(encoding="utf-8")
    sizes = re.findall(rf"{re.escape(str(encoder._model._folder))}/images.bin\n(?:.*\n)*?Rss: +(\d+) kB", maps)
    assert sizes and set(sizes) == {"0"}
