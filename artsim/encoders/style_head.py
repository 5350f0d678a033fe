"""The learned segment of the `style` aspect: a projection of an encoder's vectors that brings works of one label together.

`artsim finetune` trains it (see `artsim.finetuning`); this module applies it, in numpy. Its inputs are the segments of
the `style` block and the `subject` block, each normalised by statistics of the training works.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artsim.encoders.protocol import Aspect, Blocks, unit_rows
from artsim.errors import EncoderError

LEAST = 1e-8  # lower bound before the square root, whose slope is infinite at 0


@dataclass(frozen=True)
class HeadInput:
    """Normalisation of one segment (n, length): unit rows, square root if `root`, centred, projected, unit rows again.

    A space does the same, but these are the statistics of the training works, which stay fixed. `basis` (length,
    components) is None without projection.
    """

    mean: np.ndarray
    root: bool = False
    basis: np.ndarray | None = None

    @property
    def dimension(self) -> int:
        return len(self.mean) if self.basis is None else self.basis.shape[1]

    def __call__(self, segment: np.ndarray) -> np.ndarray:
        """(n, length) -> (n, dimension) float32 unit rows."""
        rows = unit_rows(segment)
        centred = (np.sqrt(np.maximum(rows, LEAST)) if self.root else rows) - self.mean
        return unit_rows(centred if self.basis is None else unit_rows(centred) @ self.basis)


@dataclass(frozen=True)
class StyleHead:
    """`projection` (sum of the inputs' dimensions, d); `classifier` (d, classes) and `bias` (classes,) predict the labels."""

    inputs: tuple[HeadInput, ...]
    projection: np.ndarray
    classifier: np.ndarray
    bias: np.ndarray

    @property
    def dimension(self) -> int:
        return self.projection.shape[1]

    def __call__(self, segments: Sequence[np.ndarray]) -> np.ndarray:
        """The learned vectors (n, d), unit rows, of the segments that `head_segments` returns."""
        rows = [head_input(segment) for head_input, segment in zip(self.inputs, segments, strict=True)]
        return unit_rows(np.concatenate(rows, axis=1) @ self.projection)

    def scores_of(self, style: np.ndarray) -> np.ndarray:
        """Raw rows (n, d) of the aspect `style`, whose last segment is learned -> (n, classes)."""
        return self.scores(unit_rows(style[:, -self.dimension :]))

    def scores(self, learned: np.ndarray) -> np.ndarray:
        """Learned vectors (n, d) -> (n, classes): the higher, the likelier the class."""
        return learned @ self.classifier + self.bias


def head_segments(blocks: Blocks, segments: Mapping[Aspect, tuple[int, ...]]) -> list[np.ndarray]:
    """The inputs of a head from raw blocks: each segment of `style`, then `subject`."""
    return [*np.split(blocks["style"], np.cumsum(segments["style"])[:-1], axis=1), blocks["subject"]]


def save_style_head(head: StyleHead, path: Path) -> None:
    """Write `head` as safetensors, float32."""
    from safetensors.numpy import save_file

    tensors = {"projection": head.projection, "classifier": head.classifier, "bias": head.bias}
    for number, head_input in enumerate(head.inputs):
        tensors[f"inputs.{number}.mean"] = head_input.mean
        if head_input.basis is not None:
            tensors[f"inputs.{number}.basis"] = head_input.basis
    roots = json.dumps([head_input.root for head_input in head.inputs])
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()}, path, metadata={"roots": roots})


def load_style_head(path: Path) -> StyleHead:
    """Read a file of `save_style_head`; `EncoderError` if it is not one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            roots = json.loads((file.metadata() or {})["roots"])
        inputs = tuple(
            HeadInput(tensors[f"inputs.{number}.mean"], bool(root), tensors.get(f"inputs.{number}.basis"))
            for number, root in enumerate(roots)
        )
        return StyleHead(inputs, tensors["projection"], tensors["classifier"], tensors["bias"])
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise EncoderError(f"{path} is not the head of a fine-tuned encoder ({error}); train it again.") from error
