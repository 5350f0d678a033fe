"""Backbones: trainable upper stages above frozen lower layers.

A backbone is unfrozen from the top, stage by stage. The output of the frozen layers is constant for a picture (batch
normalisation keeps its statistics), so the embedded backbone stores it and runs only its upper layers.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import conv2d, hardtanh, pad

from artsim.encoders import Encoder, load_encoder
from artsim.encoders.efficientnet_lite0 import Convolution, load_network
from artsim.encoders.embedded import SHORT_SIDE, STATISTICS_BLOCK, EmbeddedEncoder
from artsim.encoders.finetuned import NETWORK_FILE, is_finetuned
from artsim.encoders.protocol import best_device
from artsim.encoders.runtime import load_engine
from artsim.encoders.transformers import TransformersEncoder, style_maps
from artsim.errors import TrainingError
from artsim.images.geometry import fit_frame

PreparedPicture = Mapping[str, torch.Tensor]
"""Stored input of the trainable layers for one picture."""

_UNFROZEN = (
    1 / 3
)  # of the layers, from the top; lower ones detect edges and textures, which paintings share with photographs
_STAGES = 3


def load_backbone(name: str) -> Backbone:
    """Load a backbone by name. `EncoderError` when there is none, `TrainingError` for an encoder that is fine-tuned already."""
    if is_finetuned(name):
        raise TrainingError(f"{name} is fine-tuned already; give the backbone it was made from.")
    encoder = load_encoder(name)
    return EmbeddedBackbone(encoder) if isinstance(encoder, EmbeddedEncoder) else TransformersBackbone(encoder)


class Backbone(ABC):
    """`encoder` is the untrained encoder; `stages` are the trainable parameters, stage by stage, from the top."""

    stages: list[list[torch.nn.Parameter]]

    def __init__(self, encoder: Encoder) -> None:
        self.encoder, self.id, self.revision = encoder, encoder.id, encoder.revision

    @abstractmethod
    def prepare(self, image: Image.Image) -> PreparedPicture: ...

    @abstractmethod
    def save(self, folder: Path) -> list[str]:
        """Write the current weights, or the changed ones; return the file names."""

    @abstractmethod
    def _run(self, inputs: PreparedPicture) -> list[torch.Tensor]:
        """Prepared pictures of one size, stacked -> the segments that can change, each (n, d)."""

    def segments(self, prepared: Sequence[PreparedPicture], untrained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The segments of `head_segments`, each (n, d), under the current weights.

        `untrained`: the same segments of the same pictures before training, for those that cannot change.
        """
        rows_by_size: dict[Any, list[int]] = defaultdict(list)
        for row, picture in enumerate(prepared):
            rows_by_size[tuple(tensor.shape for tensor in picture.values())].append(row)
        found = [
            self._run({name: torch.stack([prepared[row][name] for row in rows]) for name in prepared[0]})
            for rows in rows_by_size.values()
        ]
        order = torch.argsort(torch.tensor([row for rows in rows_by_size.values() for row in rows]))
        return [torch.cat(segment)[order] for segment in zip(*found, strict=True)]

    @contextmanager
    def restored_afterwards(self) -> Iterator[None]:
        """The trainable weights are at the end what they are now."""
        weights = [weight for stage in self.stages for weight in stage]
        before = [weight.detach().clone() for weight in weights]
        yield
        with torch.no_grad():
            for weight, old in zip(weights, before, strict=True):
                weight.copy_(old)


class EmbeddedBackbone(Backbone):
    """EfficientNet-Lite0: blocks 11 to 15 and the last convolution can be trained, in three stages."""

    # Positions in `load_network()`, where the first convolution is 0, so block 11 is at position 12.
    _KEPT = STATISTICS_BLOCK + 1
    _POSITIONS = ((17, 16), (15, 14), (13, 12))  # of the stages

    def __init__(self, encoder: EmbeddedEncoder) -> None:
        super().__init__(encoder)
        network, device = load_network(), best_device()
        self._below = load_engine(network[: self._KEPT], taps=(0, self._KEPT - 1), device=None)
        self._top = network[self._KEPT :]
        self._weights: dict[str, torch.nn.Parameter] = {}
        for number, block in enumerate(self._top, start=self._KEPT):
            for place, convolution in enumerate(block.convolutions):
                for kind, values in (("kernel", convolution.kernel), ("bias", convolution.bias)):
                    tensor = torch.tensor(values, device=device)
                    self._weights[f"{number}.{place}.{kind}"] = torch.nn.Parameter(tensor, requires_grad=False)
        self._before = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self.stages = [
            [weight for name, weight in self._weights.items() if int(name.split(".")[0]) in positions]
            for positions in self._POSITIONS
        ]

    def prepare(self, image: Image.Image) -> PreparedPicture:
        frame = fit_frame(image.size, short_side=SHORT_SIDE)
        pixels = np.asarray(image.resize(frame, Image.Resampling.BICUBIC, reducing_gap=2.0))[None]
        return {"map": torch.from_numpy(self._below.run(pixels).last[0].astype(np.float16))}

    def segments(self, prepared: Sequence[PreparedPicture], untrained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        statistics, subject = super().segments(prepared, untrained)
        return [statistics, untrained[1], subject]

    def _run(self, inputs: PreparedPicture) -> list[torch.Tensor]:
        """Feature maps (n, c, h, w) before block 11 -> statistics of those after it, means of those after the last layer."""
        x = middle = inputs["map"].float().to(memory_format=torch.channels_last)
        for number, block in enumerate(self._top, start=self._KEPT):
            start = x
            for place, convolution in enumerate(block.convolutions):
                x = self._convolve(x, convolution, f"{number}.{place}")
            x = x + start if block.adds_input else x
            middle = x if number == self._KEPT else middle
        return [_spread(middle), x.mean(dim=(2, 3))]

    def _convolve(self, x: torch.Tensor, convolution: Convolution, name: str) -> torch.Tensor:
        kernel, bias = self._weights[f"{name}.kernel"], self._weights[f"{name}.bias"]
        x = pad(x, (*convolution.padding, *convolution.padding))
        x = conv2d(x, kernel, bias, convolution.stride, groups=len(kernel) if convolution.depthwise else 1)
        return hardtanh(x, 0.0, 6.0) if convolution.clamped else x

    def save(self, folder: Path) -> list[str]:
        from safetensors.torch import save_file

        changed = {
            name: weight.detach().cpu().contiguous()
            for name, weight in self._weights.items()
            if not torch.equal(weight, self._before[name])
        }
        if not changed:
            return []
        save_file(changed, folder / NETWORK_FILE)
        return [NETWORK_FILE]


class TransformersBackbone(Backbone):
    """ResNet, EfficientNet, CLIP, DINOv2 and others: about the upper third of the layers is trainable, in up to three stages."""

    def __init__(self, encoder: Encoder) -> None:
        if not isinstance(encoder, TransformersEncoder):
            raise TrainingError(f"{encoder.id} cannot be trained.")
        super().__init__(encoder)
        self._model = copy.deepcopy(encoder._model).float().requires_grad_(False)
        self._processor, self._tokenizer = encoder._processor, encoder._tokenizer
        self.stages = _stages_of(self._model)

    def prepare(self, image: Image.Image) -> PreparedPicture:
        inputs = self._processor(images=[image], return_tensors="pt")
        return {name: values[0] for name, values in inputs.items()}

    def _run(self, inputs: PreparedPicture) -> list[torch.Tensor]:
        embed = getattr(self._model, "get_image_features", self._model)
        output = embed(**inputs, output_hidden_states=True)
        style = [torch.cat([_spread(maps[None]) for maps in layer]) for layer in style_maps(output, dict(inputs))]
        return [*style, output.pooler_output.flatten(1)]

    def save(self, folder: Path) -> list[str]:
        self._model.save_pretrained(folder)
        self._processor.save_pretrained(folder)
        if self._tokenizer is not None:
            self._tokenizer.save_pretrained(folder)
        return sorted(path.name for path in folder.iterdir())


def _spread(maps: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w) -> (n, 2 c): mean and standard deviation over the positions."""
    flat = maps.flatten(2)
    return torch.cat([flat.mean(dim=2), flat.std(dim=2, correction=0)], dim=1)


def _stages_of(model: Any) -> list[list[torch.nn.Parameter]]:
    """The parameters of the upper third of the layers of `model`'s image part, in up to three stages, top first.

    Layers are the children of the outermost list of two or more modules (`encoder.layer`, `encoder.stages`, ...). What
    comes after them (normalisation, pooling, projection) belongs to the first stage. No stages without such a list.
    """
    images = getattr(model, "vision_model", model)
    lists = [
        (name.count("."), -len(module), module)
        for name, module in images.named_modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) > 1
    ]
    if not lists:
        return []
    layers = list(min(lists, key=lambda item: item[:2])[2])
    upper = layers[::-1][: max(1, round(len(layers) * _UNFROZEN))]  # the last layer first
    groups = np.array_split(np.arange(len(upper)), min(_STAGES, len(upper)))
    stages = [[weight for number in group for weight in upper[number].parameters()] for group in groups]
    weights, last = list(images.parameters()), list(layers[-1].parameters())[-1]
    after = weights[next(number for number, weight in enumerate(weights) if weight is last) + 1 :]
    projection = getattr(model, "visual_projection", None)
    return [[*after, *([] if projection is None else projection.parameters()), *stages[0]], *stages[1:]]
