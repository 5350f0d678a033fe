"""ZeroGPU: a Space that has a GPU only while a decorated function runs. Everywhere else, nothing here changes anything.

Import this before torch starts CUDA: on ZeroGPU, the package `spaces` must come first, and in the main thread. The
decorated function runs in a forked process, so it takes and returns what can be pickled (pictures, NumPy arrays, no CUDA
tensors), and what it uses (the model, on "cuda") must be loaded in the main thread before the app is launched.
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

_EMBEDDING = (
    "embed_images",
    "embed_texts",
    "embed_patches",
    "embed_with_regions",
    "embed_details",
    "embed_layouts",
)
SECONDS = 15  # what one call may take at most; visitors who ask for less are served sooner

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=Encoder)


def is_zero_gpu() -> bool:
    """Whether this process is a Space on ZeroGPU hardware."""
    return spaces is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def on_gpu(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, with a GPU attached while it runs where the package `spaces` is there; else `function` itself."""
    return function if spaces is None else spaces.GPU(function, duration=SECONDS)


def attach_gpu(encoder: E) -> E:
    """`encoder`, which on ZeroGPU has a GPU while it embeds, unless it runs on the CPU; elsewhere it is left as it is."""
    if is_zero_gpu() and encoder.device != "cpu":
        for name in _EMBEDDING:
            if hasattr(encoder, name):
                setattr(encoder, name, on_gpu(getattr(encoder, name)))
    return encoder
