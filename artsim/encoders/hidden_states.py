"""Hidden states of a network as feature maps, and the vectors that are made of them: style, layout and regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from artsim.encoders.protocol import Aspect, unit_rows
from artsim.encoders.region_vectors import LAYOUT_GRID, averaged_over_grid, averaged_over_regions

_LAYOUT_CHANNELS = 192  # of 768 or more: a layout has 9 times as many numbers, which would outweigh all other vectors
_STYLE_DEPTHS = (1 / 3, 2 / 3)  # the middle of the network: past edges, before objects


class ImageStates(NamedTuple):
    """What a network gives for n pictures, float32. A state is (n, tokens, channels), or (n, channels, rows, columns)."""

    subject: np.ndarray
    """(n, d): the joint image-text vector of CLIP-like models, else the pooled output."""
    style: tuple[np.ndarray, ...]
    """The hidden states that style is taken from, the deepest last."""
    last: np.ndarray
    """The last hidden state."""


@dataclass(frozen=True)
class NetworkFacts:
    """What an encoder must know of its network before it runs it."""

    segments: dict[Aspect, tuple[int, ...]]
    """See `artsim.encoders.protocol.Encoder`."""
    region_dim: int
    """Length of a region vector."""
    lowers_texts: bool
    """Whether it was trained with small letters only."""
    text_length: int | None
    """Tokens to which texts are padded."""
    short_side: int
    """Short side of the input in pixels."""
    crops: bool
    """Whether only the centre of a picture is seen, unless it is square."""

    @classmethod
    def of(cls, config: Any, processor: Any, states: ImageStates) -> NetworkFacts:
        """From the configuration of a model of transformers, its processor, and what it gives for any picture."""
        channels = [state.shape[1 if state.ndim == 4 else 2] for state in states.style]
        region_dim = min(channels[-1], _LAYOUT_CHANNELS)
        segments: dict[Aspect, tuple[int, ...]] = {
            "subject": (states.subject.shape[1],),
            "style": tuple(2 * count for count in channels),
            "layout": (LAYOUT_GRID**2 * region_dim,),
        }
        return cls(
            segments=segments,
            region_dim=region_dim,
            lowers_texts=config.model_type.startswith("siglip"),
            text_length=text_length(config),
            short_side=short_side(processor),
            crops=bool(getattr(processor, "do_center_crop", False)),
        )


def text_length(config: Any) -> int | None:
    """Tokens to which texts are padded: SigLIP was trained so; for CLIP, it makes no difference."""
    return getattr(getattr(config, "text_config", None), "max_position_embeddings", None)


def short_side(processor: Any) -> int:
    """The short side of the model's input, from its processor's `size`."""
    size = dict(getattr(processor, "size", None) or {})
    sides = [value for key, value in size.items() if key in ("shortest_edge", "height", "width") and value]
    return int(min(sides, default=384))


def style_layers(states: int) -> list[int]:
    """Of so many hidden states, the first of which is the embedded input, the numbers of those that style is taken from."""
    return sorted({max(1, round((states - 1) * depth)) for depth in _STYLE_DEPTHS})


def maps_of(state: Any, inputs: Mapping[str, Any]) -> list[Any]:
    """A hidden state as one map (channels, rows, columns) per picture: class, register and padding tokens dropped.

    `state`: (n, channels, rows, columns) of a CNN, or (n, tokens, channels); `inputs`: the model's. Arrays of NumPy or of
    PyTorch.
    """
    if state.ndim == 4:
        return list(state)
    if "spatial_shapes" in inputs:  # SigLIP2 with free aspect ratio: the picture's patches first, then padding
        grids = [tuple(shape) for shape in inputs["spatial_shapes"].tolist()]
        tokens = [row[: rows * columns] for row, (rows, columns) in zip(state, grids, strict=True)]
    else:
        rows, columns = _grid(state.shape[1], *inputs["pixel_values"].shape[-2:])
        grids, tokens = [(rows, columns)] * len(state), list(state[:, state.shape[1] - rows * columns :])
    return [row.T.reshape(-1, rows, columns) for row, (rows, columns) in zip(tokens, grids, strict=True)]


def _grid(tokens: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of patches: the largest grid of the picture's shape that fits into `tokens`."""
    rows = int(np.sqrt(tokens * height / width) + 1e-6)
    return rows, int(rows * width / height + 1e-6)


def style_statistics(maps: Sequence[np.ndarray]) -> np.ndarray:
    """(n, 2 * channels): mean and standard deviation over the positions of each map (channels, rows, columns)."""
    return np.stack([np.concatenate([x.mean(axis=(1, 2)), x.std(axis=(1, 2))]) for x in maps])


def layout_vectors(maps: Sequence[np.ndarray]) -> np.ndarray:
    """(n, 9 x at most `_LAYOUT_CHANNELS`) unit rows: each map averaged over a 3 x 3 grid."""
    cells = np.concatenate([averaged_over_grid(x[None]) for x in maps])  # (n, channels, 9)
    return unit_rows(_narrowed(cells.transpose(0, 2, 1)).reshape(len(cells), -1))


def vectors_of_regions(maps: Sequence[np.ndarray]) -> np.ndarray:
    """(n, regions, at most `_LAYOUT_CHANNELS`) unit rows: each map averaged over each region."""
    return unit_rows(_narrowed(np.concatenate([averaged_over_regions(x[None]) for x in maps])))


def _narrowed(vectors: np.ndarray) -> np.ndarray:
    """(..., channels) -> (..., at most `_LAYOUT_CHANNELS`) by a fixed random projection.

    Johnson-Lindenstrauss: cosines are approximately preserved.
    """
    channels = vectors.shape[-1]
    return vectors if channels <= _LAYOUT_CHANNELS else vectors @ _projection(channels)


@cache
def _projection(channels: int) -> np.ndarray:
    """(channels, `_LAYOUT_CHANNELS`)"""
    return np.random.RandomState(0).standard_normal((channels, _LAYOUT_CHANNELS)).astype(np.float32)
