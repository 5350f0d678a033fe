"""The ZeroGPU decorator: active where its package is installed, without effect elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hub_server.client import run_python

ROOT = Path(__file__).resolve().parents[2]


def test_without_the_package_a_function_is_unchanged() -> None:
    code = (
        "import sys; sys.modules['spaces'] = None\n"
        "from artsim.encoders.zero_gpu import *\nprint(on_gpu(abs) is abs, is_zero_gpu())"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "SPACES_ZERO_GPU": "true"}
    done = run_python(code, env)
    assert done.stdout == "True False\n", done.stderr


def test_on_zero_gpu_an_encoder_on_cuda_embeds_with_a_gpu_attached() -> None:
    stand_in = """
import sys, types
spaces = types.ModuleType("spaces")
spaces.GPU = lambda function, duration: lambda *arguments: ("on the GPU", duration, function(*arguments))
sys.modules["spaces"] = spaces
"""
    code = (
        stand_in
        + """
from artsim.encoders.zero_gpu import attach_gpu
class Encoder:
    def __init__(self, device): self.device = device
    def embed_images(self, images): return len(images)
    embed_texts = embed_patches = embed_images
for device in ("cuda", "cpu"):
    print(attach_gpu(Encoder(device)).embed_images([1, 2]))
"""
    )
    for zero_gpu, expected in (("true", "('on the GPU', 15, 2)\n2\n"), ("", "2\n2\n")):
        done = run_python(code, {**os.environ, "PYTHONPATH": str(ROOT), "SPACES_ZERO_GPU": zero_gpu})
        assert done.stdout == expected, done.stderr


def test_with_the_package_but_without_zero_gpu_a_function_does_the_same() -> None:
    pytest.importorskip("spaces", reason="the package spaces is for ZeroGPU Spaces only")
    from artsim.encoders.zero_gpu import is_zero_gpu, on_gpu

    assert on_gpu(abs)(-3) == 3
    assert not is_zero_gpu()
