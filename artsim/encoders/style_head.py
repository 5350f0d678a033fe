"""The learned part of the `style` aspect: a projection of what an encoder says anyway, in which works of one label are near.

`scripts/finetune.py` trains it (see `artsim.finetuning`); here it is only applied, in numpy. Its inputs are the parts of the
`style` block and the `subject` block, each made comparable by statistics of the works it was trained on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artsim.encoders.protocol import Aspect, Blocks, unit_rows
from artsim.errors import EncoderError

LEAST = 1e-8  # below this, values are not told apart by their roots, whose slope has no end at 0


@dataclass(frozen=True)
class HeadInput:
    """How one part (n, length) is made comparable: unit rows, root, centred, projected, unit rows again.

    As a space does it, but by the statistics of the training works, which stay as they are. `basis` (length, components) is
    None without projection.
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
    """`projection` (sum of the inputs' dimensions, d); `classifier` (d, classes) and `bias` (classes,) name the labels."""

    inputs: tuple[HeadInput, ...]
    projection: np.ndarray
    classifier: np.ndarray
    bias: np.ndarray

    @property
    def dimension(self) -> int:
        return self.projection.shape[1]

    def __call__(self, segments: Sequence[np.ndarray]) -> np.ndarray:
        """The learned vectors (n, d), unit rows, of the parts that `head_parts` gives."""
        rows = [each(segment) for each, segment in zip(self.inputs, segments, strict=True)]
        return unit_rows(np.concatenate(rows, axis=1) @ self.projection)

    def scores(self, learned: np.ndarray) -> np.ndarray:
        """(n, classes): the higher, the likelier the class, for learned vectors (n, d)."""
        return learned @ self.classifier + self.bias


def head_segments(blocks: Blocks, segments: Mapping[Aspect, tuple[int, ...]]) -> list[np.ndarray]:
    """What a head is given of raw blocks: each part of `style`, then `subject`."""
    return [*np.split(blocks["style"], np.cumsum(segments["style"])[:-1], axis=1), blocks["subject"]]


def save_style_head(head: StyleHead, path: Path) -> None:
    from safetensors.numpy import save_file

    tensors = {"projection": head.projection, "classifier": head.classifier, "bias": head.bias}
    for number, each in enumerate(head.inputs):
        tensors[f"inputs.{number}.mean"] = each.mean
        if each.basis is not None:
            tensors[f"inputs.{number}.basis"] = each.basis
    roots = json.dumps([each.root for each in head.inputs])
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()}, path, metadata={"roots": roots})


def load_style_head(path: Path) -> StyleHead:
    """`EncoderError` when it is not what `save_style_head` wrote."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            roots = json.loads((file.metadata() or {})["roots"])
        inputs = tuple(
            HeadInput(found[f"inputs.{number}.mean"], bool(root), found.get(f"inputs.{number}.basis"))
            for number, root in enumerate(roots)
        )
        return StyleHead(inputs, found["projection"], found["classifier"], found["bias"])
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise EncoderError(f"{path} is not the head of a fine-tuned encoder ({error}); train it again.") from error
