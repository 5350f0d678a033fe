"""Inputs of models, prepared as transformers prepares them, but without importing it, which imports PyTorch.

What is needed is taken from the processor and the tokenizer of transformers when a model is converted, compared with them there
(`artsim.encoders.openvino_conversion`), and kept beside the converted model. A processor that works otherwise is used itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

TOKENIZER_FILE = "tokenizer.json"


@dataclass(frozen=True)
class PictureNumbers:
    """Of a processor that resizes, crops the centre, scales and normalises; see `preprocessor_config.json`."""

    shortest_edge: int | None
    """Short side to which pictures are resized; None: to `size`."""
    size: tuple[int, int]
    """(height, width) of the model's input, which is cut from the centre."""
    resample: int
    """One of `Image.Resampling`."""
    scale: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    @classmethod
    def of(cls, processor: Any) -> PictureNumbers | None:
        """None if it has other numbers."""
        if not all(getattr(processor, f"do_{step}", False) for step in ("resize", "rescale", "normalize")):
            return None
        resized, cut = (
            {side: int(pixels) for side, pixels in dict(getattr(processor, name, None) or {}).items() if pixels}
            for name in ("size", "crop_size")
        )
        if not getattr(processor, "do_center_crop", False):
            cut = resized
        if set(cut) != {"height", "width"} or set(resized) not in ({"shortest_edge"}, {"height", "width"}):
            return None
        if min(resized.values()) < max(cut.values()):
            return None
        return cls(
            shortest_edge=resized.get("shortest_edge"),
            size=(cut["height"], cut["width"]),
            resample=int(processor.resample),
            scale=float(processor.rescale_factor),
            mean=tuple(processor.image_mean),
            deviation=tuple(processor.image_std),
        )

    def __call__(self, images: Sequence[Image.Image]) -> dict[str, np.ndarray]:
        """RGB pictures -> (n, 3, height, width) float32."""
        pixels = np.stack([np.asarray(self._resized(image)) for image in images]).transpose(0, 3, 1, 2)
        mean, deviation = (np.array(values, np.float32)[:, None, None] for values in (self.mean, self.deviation))
        values = pixels * np.float32(self.scale)
        values -= mean
        values /= deviation
        return {"pixel_values": np.ascontiguousarray(values)}

    def _resized(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        if self.shortest_edge is None:
            return image.resize((width, height), self.resample)
        short, long = sorted(image.size)
        other = int(self.shortest_edge * long / short)
        frame = (self.shortest_edge, other) if image.width <= image.height else (other, self.shortest_edge)
        left, top = (frame[0] - width) // 2, (frame[1] - height) // 2
        return image.resize(frame, self.resample).crop((left, top, left + width, top + height))


@dataclass(frozen=True)
class TextNumbers:
    """How the tokens of a text are padded; the tokenizer itself is the file `TOKENIZER_FILE`."""

    length: int
    padding: int
    """The number of the token that fills up a text."""
    side: str
    """Where texts are filled up, "right" or "left"."""
    names: tuple[str, ...]
    """The inputs of the model: `input_ids`, and `attention_mask` if it has one."""

    @classmethod
    def of(cls, tokenizer: Any, inputs: Mapping[str, np.ndarray]) -> TextNumbers | None:
        """`inputs`: what `tokenizer` makes of texts. None if it has other numbers."""
        if not set(inputs) <= {"input_ids", "attention_mask"} or tokenizer.pad_token_id is None:
            return None
        return cls(inputs["input_ids"].shape[1], tokenizer.pad_token_id, tokenizer.padding_side, tuple(inputs))


class Tokenizer:
    """The tokenizer in `folder`, by `tokenizers`, on which those of transformers are built."""

    def __init__(self, folder: Path, numbers: TextNumbers) -> None:
        from tokenizers import Tokenizer as Reader

        self._names = numbers.names
        self._reader = Reader.from_file(str(folder / TOKENIZER_FILE))
        self._reader.enable_truncation(numbers.length)
        self._reader.enable_padding(
            direction=numbers.side,
            pad_id=numbers.padding,
            pad_token=self._reader.id_to_token(numbers.padding),
            length=numbers.length,
        )

    def __call__(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Arrays (n, length) int64."""
        encoded = self._reader.encode_batch(list(texts))
        arrays = {
            "input_ids": np.array([each.ids for each in encoded], np.int64),
            "attention_mask": np.array([each.attention_mask for each in encoded], np.int64),
        }
        return {name: arrays[name] for name in self._names}
