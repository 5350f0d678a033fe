"""Backbones: trainable upper stages above frozen lower layers.

A backbone is unfrozen from the top, stage by stage. The output of the frozen layers is constant for a picture (batch
normalisation keeps its statistics), so the embedded backbone stores it and runs only its upper layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from artsim.encoders import Encoder, load_encoder
from artsim.encoders.checkpoint import load_checkpoint
from artsim.encoders.efficientnet_lite0 import Block, Convolution, apply_network, load_network
from artsim.encoders.embedded import SHORT_SIDE, STATISTICS_BLOCK, EmbeddedEncoder
from artsim.encoders.finetuned import NETWORK_FILE, is_finetuned
from artsim.encoders.hidden_states import maps_of
from artsim.encoders.runtime import convolve_in_torch, load_engine
from artsim.encoders.torch_model import image_tensors
from artsim.encoders.transformers import TransformersEncoder
from artsim.encoders.views import whole_view
from artsim.errors import TrainingError
from artsim.images.geometry import fit_frame

PreparedPicture = Mapping[str, torch.Tensor]
"""Stored input of the trainable layers for one picture."""

_UNFROZEN = 1 / 3
"""Share of the layers, from the top; lower ones detect edges and textures, which paintings share with photographs."""
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

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder

    @abstractmethod
    def prepare(self, image: Image.Image) -> PreparedPicture:
        """The input for a picture; of a long one, only the whole is trained on."""

    @abstractmethod
    def segments(self, prepared: Sequence[PreparedPicture], untrained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The segments of `head_segments`, each (n, d), under the current weights.

        `untrained`: the same segments of the same pictures before training, for those that cannot change.
        """

    @abstractmethod
    def save(self, folder: Path) -> list[str]:
        """Write the current weights, or the changed ones; return the file names."""


class EmbeddedBackbone(Backbone):
    """EfficientNet-Lite0: blocks 11 to 15 and the last convolution can be trained, in three stages."""

    _KEPT = STATISTICS_BLOCK + 1  # the first convolution, and the blocks below 11

    def __init__(self, encoder: EmbeddedEncoder) -> None:
        super().__init__(encoder)
        network = load_network()
        self._below = load_engine(network[: self._KEPT], taps=(0, self._KEPT - 1), device=None)
        self._untrained = network[self._KEPT :]
        self._top = [
            replace(block, convolutions=tuple(map(_trainable, block.convolutions))) for block in self._untrained
        ]
        self.stages = [[*self._weights(self._top[start : start + 2]).values()] for start in (4, 2, 0)]

    def prepare(self, image: Image.Image) -> PreparedPicture:
        pixels = np.asarray(whole_view(image).resized(fit_frame(image.size, short_side=SHORT_SIDE)))[None]
        return {"map": torch.from_numpy(self._below.run(pixels).last[0].astype(np.float16))}

    def segments(self, prepared: Sequence[PreparedPicture], untrained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """One picture after the other: few have the same size."""
        middle, last = [], []
        for picture in prepared:
            x = picture["map"][None].float().to(memory_format=torch.channels_last)
            maps = apply_network(self._top, x, convolve_in_torch, taps=[0])
            middle.append(maps[0][0])
            last.append(maps[1][0].mean(dim=(1, 2)))
        return [_spread(middle), untrained[1], torch.stack(last)]

    def save(self, folder: Path) -> list[str]:
        from safetensors.torch import save_file

        before = self._weights(self._untrained)
        after = {name: weight.detach().cpu().contiguous() for name, weight in self._weights(self._top).items()}
        changed = {name: weight for name, weight in after.items() if not np.array_equal(weight, before[name])}
        if not changed:
            return []
        save_file(changed, folder / NETWORK_FILE)
        return [NETWORK_FILE]

    def _weights(self, blocks: Sequence[Block]) -> dict[str, Any]:
        """Those of upper `blocks`, by the names in `NETWORK_FILE`."""
        return {
            f"{number}.{place}.{kind}": getattr(convolution, kind)
            for number, block in enumerate(blocks, start=self._KEPT)
            for place, convolution in enumerate(block.convolutions)
            for kind in ("kernel", "bias")
        }


def _trainable(convolution: Convolution) -> Convolution:
    """With parameters in place of arrays."""
    kernel, bias = (torch.nn.Parameter(torch.tensor(values)) for values in (convolution.kernel, convolution.bias))
    return replace(convolution, kernel=kernel, bias=bias)  # type: ignore[arg-type]


class TransformersBackbone(Backbone):
    """ResNet, EfficientNet, CLIP, DINOv2 and others: about the upper third of the layers is trainable, in up to three stages."""

    def __init__(self, encoder: Encoder) -> None:
        if not isinstance(encoder, TransformersEncoder):
            raise TrainingError(f"{encoder.id} cannot be trained.")
        super().__init__(encoder)
        self._checkpoint = load_checkpoint(encoder.id, encoder.commit)
        self._model = self._checkpoint.model.requires_grad_(False)
        self.stages = _stages_of(self._model)

    def prepare(self, image: Image.Image) -> PreparedPicture:
        inputs = self.encoder.inputs([whole_view(image)])
        return {name: torch.from_numpy(values[0]) for name, values in inputs.items()}

    def segments(self, prepared: Sequence[PreparedPicture], untrained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        inputs = {name: torch.stack([picture[name] for picture in prepared]) for name in prepared[0]}
        subject, *style, _ = image_tensors(self._model, inputs)
        return [*(_spread(maps_of(state, inputs)) for state in style), subject]

    def save(self, folder: Path) -> list[str]:
        for part in self._checkpoint:
            if part is not None:
                part.save_pretrained(folder)
        return sorted(path.name for path in folder.iterdir())


def _spread(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """n maps (c, h, w) -> (n, 2 c): mean and standard deviation over the positions."""
    return torch.stack([torch.cat([each.mean(dim=(1, 2)), each.std(dim=(1, 2), correction=0)]) for each in maps])


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
    weights = list(images.parameters())
    position = {weight: number for number, weight in enumerate(weights)}
    upper = layers[::-1][: max(1, round(len(layers) * _UNFROZEN))]  # the last layer first
    starts = [min(position[weight] for weight in layer.parameters()) for layer in upper]
    lowest = [int(group[-1]) for group in np.array_split(starts, min(_STAGES, len(starts)))]
    stages = [weights[start:end] for start, end in zip(lowest, [len(weights), *lowest], strict=False)]
    projection = getattr(model, "visual_projection", None)
    return [[*stages[0], *(projection.parameters() if projection is not None else ())], *stages[1:]]
