"""What this machine's arithmetic allows: its speed at matrix products (GEMM), and the pictures per second that it comes to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from artsim.encoders import Encoder
from artsim.encoders.efficientnet_lite0 import load_network
from artsim.encoders.embedded import COVARIANCE_BLOCK, SHORT_SIDE, STATISTICS_BLOCK, EmbeddedEncoder
from artsim.encoders.runtime import TorchEngine, import_openvino
from artsim.encoders.transformers import TransformersEncoder
from artsim.images.geometry import fit_frame, view_boxes

_SIDE = 2048  # rows and columns of both matrices
_SECONDS = 0.6  # per library and precision; the best product of that time counts, of two at least


@cache
def gemm_limits(device: str) -> dict[str, dict[str, float]]:
    """GFLOP/s of a product of two matrices of `_SIDE` x `_SIDE` numbers, by precision and library; the best of several.

    `bfloat16` is empty where nothing computes in it.
    """
    found: dict[str, dict[str, float]] = {"float32": {}, "bfloat16": {}}
    for precision, speeds in found.items():
        speeds |= _torch_limit(precision, device)
        if device == "cpu":
            speeds |= _openvino_limit(precision)
    if device == "cpu":
        a = np.random.default_rng(0).random((_SIDE, _SIDE), np.float32)
        found["float32"]["numpy"] = _best_speed(lambda: a @ a)
    return found


def _torch_limit(precision: str, device: str) -> dict[str, float]:
    import torch

    a = torch.rand((_SIDE, _SIDE), dtype=getattr(torch, precision), device=device)

    def multiply() -> None:
        (a @ a)[0, 0].item()  # waits for the device

    return {"torch": _best_speed(multiply)}


def _openvino_limit(precision: str) -> dict[str, float]:
    """Empty if OpenVINO is not installed, or the processor does not compute in `precision`."""
    try:
        openvino = import_openvino()
    except ImportError:
        return {}
    ops, numbers = openvino.opset13, np.random.default_rng(0).random((_SIDE, _SIDE), np.float32)
    a = ops.parameter([_SIDE, _SIDE], np.float32)
    model = openvino.Model([ops.matmul(a, ops.constant(numbers), False, False)], [a], "product")
    hint = {"float32": "f32", "bfloat16": "bf16"}[precision]
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": hint})
    if compiled.get_property("INFERENCE_PRECISION_HINT").to_string() != hint:
        return {}
    request = compiled.create_infer_request()
    return {"openvino": _best_speed(lambda: request.infer({0: numbers}, share_inputs=True))}


def _best_speed(multiply: Callable[[], Any]) -> float:
    """GFLOP/s of the fastest of some calls."""
    multiply()
    times: list[float] = []
    while len(times) < 2 or sum(times) < _SECONDS:
        start = time.perf_counter()
        multiply()
        times.append(time.perf_counter() - start)
    return round(2 * _SIDE**3 / min(times) / 1e9, 1)


def gflop_per_image(encoder: Encoder, images: Sequence[Image.Image]) -> float | None:
    """10^9 operations (two a multiplication with its sum) that the network takes for one of `images`, on average.

    None where nobody knows: for encoders of other kinds than artsim's own.
    """
    base = getattr(encoder, "_base", encoder)  # of a fine-tuned one
    if isinstance(base, EmbeddedEncoder):
        frames = [
            fit_frame((right - left, bottom - top), short_side=SHORT_SIDE)
            for image in images
            for left, top, right, bottom in view_boxes(image.size)
        ]
        pixels = sum(width * height for width, height in frames) / len(images)
        return round(_embedded_flop() * pixels / SHORT_SIDE**2 / 1e9, 6)
    if not isinstance(base, TransformersEncoder):
        return None
    views = sum(len(view_boxes(image.size)) for image in images) / len(images)
    return round(_transformers_flop(base.id) * views / 1e9, 6)


def _embedded_flop() -> float:
    """Of the embedded encoder's network, for a square."""
    from torch.utils.flop_counter import FlopCounterMode

    engine = TorchEngine(load_network(), (COVARIANCE_BLOCK + 1, STATISTICS_BLOCK + 1), "cpu")
    with FlopCounterMode(display=False) as counter:
        engine.run(np.zeros((1, SHORT_SIDE, SHORT_SIDE, 3), np.uint8))
    return float(counter.get_total_flops())


def _transformers_flop(name: str) -> float:
    """Of a model of transformers, for a square; counted on tensors without numbers."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoConfig, AutoImageProcessor, AutoModel

    processor: Any = AutoImageProcessor.from_pretrained(name)
    inputs = dict(processor(images=Image.new("RGB", (512, 512)), return_tensors="pt"))
    with torch.device("meta"):
        model: Any = AutoModel.from_config(AutoConfig.from_pretrained(name), attn_implementation="eager").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        getattr(model, "get_image_features", model)(**{key: value.to("meta") for key, value in inputs.items()})
    return float(counter.get_total_flops())
