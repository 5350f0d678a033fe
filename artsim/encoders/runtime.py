"""Inference engines of the embedded encoder: OpenVINO on the CPU, twice as fast there, or PyTorch on any device.

Both compute in float32 and agree up to rounding, so a collection made with one can be searched with the other.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from artsim.encoders.efficientnet_lite0 import Block, Convolution, apply_network
from artsim.encoders.protocol import best_device

log = logging.getLogger(__name__)

_import_lock = threading.Lock()


class Maps(NamedTuple):
    """Outputs of the network for n pictures of one size, float32."""

    covariance: np.ndarray
    """(n, c, c) covariance of the channels over space times the number of positions, after the first tapped block."""
    middle: np.ndarray
    """(n, c, h, w) after the second tapped block."""
    last: np.ndarray
    """(n, 1280, h, w) after the last convolution."""


def load_engine(network: Sequence[Block], *, taps: tuple[int, int], device: str | None) -> Engine:
    """OpenVINO, unless it is not installed, does not run here, or `device` is not the CPU.

    `taps`: the numbers of the blocks after which `Maps.covariance` and `Maps.middle` are taken.
    """
    if device in (None, "cpu"):
        try:
            return OpenVinoEngine(network, taps)
        except ImportError as error:
            log.info("OpenVINO cannot be imported (%s): the embedded encoder runs with PyTorch, more slowly.", error)
        except RuntimeError as error:
            log.warning("OpenVINO does not run here (%s): the embedded encoder runs with PyTorch, more slowly.", error)
    return TorchEngine(network, taps, device or best_device())


class OpenVinoEngine:
    """OpenVINO with one picture per core: it stays in that core's cache, and no core waits for another.

    Raises `ImportError` or `RuntimeError` when OpenVINO is absent or does not run on this machine.
    """

    device = "cpu"
    batch = 1

    def __init__(self, network: Sequence[Block], taps: tuple[int, int]) -> None:
        self.workers = usable_cores()
        self._openvino = import_openvino()
        self._model = _openvino_model(self._openvino, network, taps)
        self._compiled: dict[int, Any] = {}
        self._lock = threading.Lock()
        self._for_streams(1)  # fails here if OpenVINO does not run

    def run(self, pixels: np.ndarray, *, alone: bool = False) -> Maps:
        request = self._for_streams(1 if alone else self.workers).create_infer_request()
        outputs = request.infer({0: pixels}, share_inputs=True)
        return Maps(*(outputs[number] for number in range(len(Maps._fields))))

    def _for_streams(self, streams: int) -> Any:
        """The model compiled for `streams` pictures at a time, which share the cores."""
        options = {
            "INFERENCE_PRECISION_HINT": "f32",  # some processors would use bfloat16, which gives other vectors
            "INFERENCE_NUM_THREADS": self.workers,
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,  # two processes would be pinned to the same core
        }
        with self._lock:
            if streams not in self._compiled:
                self._compiled[streams] = self._openvino.Core().compile_model(self._model, "CPU", options)
            return self._compiled[streams]


def import_openvino() -> Any:
    """Import OpenVINO, ready for use by several threads. artsim imports it nowhere else.

    Its converter of models from other formats, which sends telemetry on each import, is hidden during the import: artsim
    sends no telemetry, OpenVINO works without it, and the import takes half the time.

    The first `Type.to_dtype()` of a process fills a C++ static. A thread that fills it can lose the interpreter's lock; a
    second thread that calls it then waits for the static with that lock held, and both wait for ever. The call below
    fills it before any other thread has the package.
    """
    with _import_lock:
        converter = () if "openvino" in sys.modules else ("openvino.tools.ovc", "openvino_telemetry")
        hidden = [name for name in converter if name not in sys.modules]
        for name in hidden:
            sys.modules[name] = None  # type: ignore[assignment]  # makes Python raise ImportError
        try:
            import openvino
        finally:
            for name in hidden:
                del sys.modules[name]
        openvino.Type.f32.to_dtype()
        return openvino


def import_converter() -> tuple[Any, Callable[..., Any]]:
    """OpenVINO and its converter of models from PyTorch, for a process that ends when it has converted.

    The converter reports to its makers, unless their package for that is absent: for this process it is.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # makes Python raise ImportError
    import openvino
    from openvino.tools.ovc import convert_model

    return openvino, convert_model


def _openvino_model(openvino: Any, network: Sequence[Block], taps: tuple[int, int]) -> Any:
    """The network as an `openvino.Model`: (n, h, w, 3) uint8 -> the three `Maps`."""
    ops = openvino.opset13

    def convolve(x: Any, convolution: Convolution) -> Any:
        kernel, stride = convolution.kernel, [convolution.stride] * 2
        before, after = ([zeros, zeros] for zeros in convolution.padding)
        if convolution.depthwise:
            x = ops.group_convolution(x, kernel[:, None], stride, before, after, [1, 1])
        else:
            x = ops.convolution(x, kernel, stride, before, after, [1, 1])
        x = ops.add(x, convolution.bias[None, :, None, None])
        return ops.clamp(x, 0.0, 6.0) if convolution.clamped else x

    def covariance(x: Any) -> Any:
        values = ops.reshape(x, np.array([0, 0, -1]), special_zero=True)  # (n, c, h w)
        values = ops.subtract(values, ops.reduce_mean(values, np.array([2]), keep_dims=True))
        return ops.matmul(values, values, transpose_a=False, transpose_b=True)

    pixels = ops.parameter([-1, -1, -1, 3], np.uint8)
    x = ops.transpose(ops.convert(pixels, np.float32), np.array([0, 3, 1, 2]))
    x = ops.multiply(ops.subtract(x, np.float32(127)), np.float32(1 / 128))
    low, middle, last = apply_network(network, x, convolve, taps=taps)
    return openvino.Model([covariance(low), middle, last], [pixels], "efficientnet-lite0")


class TorchEngine:
    """PyTorch, on any device that it supports."""

    workers = 1  # one call uses all cores, or the GPU

    def __init__(self, network: Sequence[Block], taps: tuple[int, int], device: str) -> None:
        import torch

        def on_device(convolution: Convolution) -> Convolution:
            """With tensors on the device in place of arrays."""
            kernel = torch.from_numpy(convolution.kernel).to(memory_format=torch.channels_last).to(device)
            bias: Any = torch.from_numpy(convolution.bias).to(device)
            return replace(convolution, kernel=kernel, bias=bias)  # type: ignore[arg-type]

        self.device = device
        self.batch = 1 if device == "cpu" else 32  # larger batches exceed a core's cache
        self._taps = taps
        self._network = [
            replace(block, convolutions=tuple(on_device(convolution) for convolution in block.convolutions))
            for block in network
        ]

    def run(self, pixels: np.ndarray, *, alone: bool = False) -> Maps:
        import torch

        with torch.inference_mode():
            x = torch.tensor(pixels, device=self.device).permute(0, 3, 1, 2)  # channels last in memory already
            low, middle, last = apply_network(
                self._network, (x.float() - 127.0) / 128.0, convolve_in_torch, taps=self._taps
            )
            values = low.flatten(2)
            values = values - values.mean(dim=2, keepdim=True)
            maps = (values @ values.transpose(1, 2), middle, last)
            return Maps(*(tensor.float().contiguous().cpu().numpy() for tensor in maps))


def convolve_in_torch(x: Any, convolution: Convolution) -> Any:
    from torch.nn.functional import conv2d, pad

    kernel: Any = convolution.kernel
    bias: Any = convolution.bias
    before, after = convolution.padding
    if before != after:
        x, before = pad(x, (before, after, before, after)), 0
    groups = kernel.shape[0] if convolution.depthwise else 1
    x = conv2d(x, kernel, bias, convolution.stride, before, groups=groups)
    return x.clamp_(0.0, 6.0) if convolution.clamped else x


Engine = OpenVinoEngine | TorchEngine
"""`run` returns the maps of `pixels` (n, h, w, 3) uint8; `alone`: no other call runs meanwhile, so it may use all cores.

`batch`: the best number of pictures of one size per call; `workers`: the best number of threads that call it at once.
"""


def usable_cores() -> int:
    """The number of cores that this process may use: those of the machine, or fewer.

    OMP_NUM_THREADS limits them, as for PyTorch, and so does the CPU quota of a container.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdecimal() and int(limit) >= 1:
        cores = min(cores, int(limit))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()  # "200000 100000", or "max 100000"
        share = int(quota) / int(period)
    except (OSError, ValueError):
        return cores
    return max(1, min(cores, math.ceil(share)))
