"""The ZeroGPU decorator: active where its package is installed, without effect elsewhere."""

from types import SimpleNamespace
from typing import Any

import pytest

from artsim.encoders import zero_gpu


@pytest.fixture
def spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the package, which Hugging Face installs on ZeroGPU Spaces only."""
    decorate = lambda function, duration: lambda *arguments: ("on the GPU", duration, function(*arguments))  # noqa: E731
    monkeypatch.setattr(zero_gpu, "spaces", SimpleNamespace(GPU=decorate))


def embedded_on(device: str) -> Any:
    encoder: Any = SimpleNamespace(device=device, embed_images=len)
    return zero_gpu.attach_gpu(encoder).embed_images([1, 2])


def test_without_the_package_a_function_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_gpu, "spaces", None)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert zero_gpu.on_gpu(abs) is abs
    assert not zero_gpu.is_zero_gpu()
    assert embedded_on("cuda") == 2


def test_on_zero_gpu_an_encoder_on_cuda_embeds_with_a_gpu_attached(
    spaces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert embedded_on("cuda") == ("on the GPU", 15, 2)
    assert embedded_on("cpu") == 2
    monkeypatch.setenv("SPACES_ZERO_GPU", "")
    assert embedded_on("cuda") == 2
