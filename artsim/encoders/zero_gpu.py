"""ZeroGPU: Spaces that have a GPU only while a decorated function runs. Elsewhere this module changes nothing.

Import this before torch starts CUDA: on ZeroGPU, the package `spaces` must be imported first, in the main thread. The
decorated function runs in a forked process, so its arguments and results must be picklable (pictures, NumPy arrays, no CUDA
tensors), and the model that it uses (on "cuda") must be loaded in the main thread before the app is launched.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from artsim.encoders.protocol import Encoder

try:
    import spaces
except ImportError:
    spaces = None

_EMBED_METHODS = (
    "embed_images",
    "embed_texts",
    "embed_patches",
    "embed_with_regions",
    "embed_details",
    "embed_layouts",
)
SECONDS = 15  # limit of one call; ZeroGPU serves visitors with shorter limits sooner

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=Encoder)


def is_zero_gpu() -> bool:
    """Whether this process is a Space on ZeroGPU hardware."""
    return spaces is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def on_gpu(function: Callable[P, R]) -> Callable[P, R]:
    """`function` with a GPU attached while it runs; `function` itself if the package `spaces` is not installed."""
    return function if spaces is None else spaces.GPU(function, duration=SECONDS)


def attach_gpu(encoder: E) -> E:
    """On ZeroGPU, attach a GPU to the methods by which `encoder` embeds, unless it runs on the CPU. Returns `encoder`."""
    if is_zero_gpu() and encoder.device != "cpu":
        for name in _EMBED_METHODS:
            if hasattr(encoder, name):
                setattr(encoder, name, on_gpu(getattr(encoder, name)))
    return encoder
