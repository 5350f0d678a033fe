"""Backbones: trainable upper stages above frozen lower layers.

A backbone is unfrozen from the top, stage by stage. The output of the frozen layers is constant for a picture (batch
normalisation keeps its statistics), so the embedded backbone stores it and runs only its upper layers.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from artsim.encoders import Encoder, load_encoder
from artsim.encoders.efficientnet_lite0 import Convolution, load_network
from artsim.encoders.embedded import SHORT_SIDE, STATISTICS_BLOCK, EmbeddedEncoder
from artsim.encoders.finetuned import NETWORK_FILE, is_finetuned
from artsim.encoders.protocol import best_device
from artsim.encoders.runtime import load_engine
from artsim.encoders.transformers import TransformersEncoder, style_maps
from artsim.errors import TrainingError
from artsim.finetuning.stages import stages_of
from artsim.images.geometry import fit_frame

if TYPE_CHECKING:
    import torch

PreparedPicture = Mapping[str, "torch.Tensor"]
"""Stored input of the trainable layers for one picture."""


class Backbone(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def revision(self) -> str: ...

    @property
    def encoder(self) -> Encoder:
        """The untrained encoder."""
        ...

    @property
    def stages(self) -> list[list[torch.nn.Parameter]]:
        """Trainable parameters, stage by stage, from the top."""
        ...

    def prepare(self, images: Sequence[Image.Image]) -> list[PreparedPicture]: ...

    def parts(self, prepared: Sequence[PreparedPicture], untrained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The segments of `head_segments`, each (n, d), under the current weights.

        `untrained`: the same segments of the same pictures before training, for those that cannot change.
        """
        ...

    def save(self, folder: Path) -> list[str]:
        """Write the current weights, or the changed ones; return the file names."""
        ...

    def reset(self) -> None:
        """Restore the weights from before training."""
        ...


def load_backbone(name: str) -> Backbone:
    """Load a backbone by name. `EncoderError` when there is none, `TrainingError` for an encoder that is fine-tuned already."""
    if is_finetuned(name):
        raise TrainingError(f"{name} is fine-tuned already; give the backbone it was made from.")
    encoder = load_encoder(name)
    return EmbeddedBackbone(encoder) if isinstance(encoder, EmbeddedEncoder) else TransformersBackbone(encoder)


class EmbeddedBackbone:
    """EfficientNet-Lite0: blocks 11 to 15 and the last convolution can be trained, in three stages."""

    # Positions in `load_network()`, where the first convolution is 0, so block 11 is at position 12.
    _KEPT = STATISTICS_BLOCK + 1
    _STAGES = ((17, 16), (15, 14), (13, 12))

    def __init__(self, encoder: EmbeddedEncoder) -> None:
        import torch

        self.id, self.revision, self.encoder = encoder.id, encoder.revision, encoder
        self._device = best_device()
        network = load_network()
        self._below = load_engine(network[: self._KEPT], taps=(0, self._KEPT - 1), device=None)
        self._top = network[self._KEPT :]
        self.weights: dict[str, torch.nn.Parameter] = {}
        for number, block in enumerate(self._top, start=self._KEPT):
            for place, convolution in enumerate(block.convolutions):
                for kind, values in (("kernel", convolution.kernel), ("bias", convolution.bias)):
                    tensor = torch.tensor(values, device=self._device)
                    self.weights[f"{number}.{place}.{kind}"] = torch.nn.Parameter(tensor, requires_grad=False)
        self._before = {name: weight.detach().clone() for name, weight in self.weights.items()}

    @property
    def stages(self) -> list[list[torch.nn.Parameter]]:
        return [
            [weight for name, weight in self.weights.items() if int(name.split(".")[0]) in numbers]
            for numbers in self._STAGES
        ]

    def prepare(self, images: Sequence[Image.Image]) -> list[PreparedPicture]:
        import torch

        found: list[PreparedPicture] = []
        for image in images:
            frame = fit_frame(image.size, short_side=SHORT_SIDE)
            pixels = np.asarray(image.resize(frame, Image.Resampling.BICUBIC, reducing_gap=2.0))[None]
            found.append({"map": torch.from_numpy(self._below.run(pixels).last[0].astype(np.float16))})
        return found

    def parts(self, prepared: Sequence[PreparedPicture], untrained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        import torch

        rows, spreads, subjects = [], [], []
        for same_shape in _by_shape([picture["map"] for picture in prepared]):
            maps = torch.stack([prepared[row]["map"] for row in same_shape]).to(self._device)
            middle, last = self._run(maps.float().to(memory_format=torch.channels_last))
            flat = middle.flatten(2)
            spreads.append(torch.cat([flat.mean(dim=2), flat.std(dim=2, correction=0)], dim=1))
            subjects.append(last.mean(dim=(2, 3)))
            rows += same_shape
        order = torch.argsort(torch.tensor(rows))
        return [torch.cat(spreads)[order].cpu(), untrained[1], torch.cat(subjects)[order].cpu()]

    def _run(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Feature maps (n, c, h, w) before block 11 -> those after it, and those after the last convolution."""
        middle = x
        for number, block in enumerate(self._top, start=self._KEPT):
            start = x
            for place, convolution in enumerate(block.convolutions):
                name = f"{number}.{place}"
                x = _convolved(x, convolution, self.weights[f"{name}.kernel"], self.weights[f"{name}.bias"])
            x = x + start if block.adds_input else x
            middle = x if number == self._KEPT else middle
        return middle, x

    def save(self, folder: Path) -> list[str]:
        import torch
        from safetensors.torch import save_file

        changed = {
            name: weight.detach().cpu().contiguous()
            for name, weight in self.weights.items()
            if not torch.equal(weight, self._before[name])
        }
        if not changed:
            return []
        save_file(changed, folder / NETWORK_FILE)
        return [NETWORK_FILE]

    def reset(self) -> None:
        import torch

        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(self._before[name])


def _convolved(x: torch.Tensor, convolution: Convolution, kernel: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import conv2d, hardtanh, pad

    before, after = convolution.padding
    x = pad(x, (before, after, before, after))
    x = conv2d(x, kernel, bias, convolution.stride, groups=len(kernel) if convolution.depthwise else 1)
    return hardtanh(x, 0.0, 6.0) if convolution.clamped else x


class TransformersBackbone:
    """ResNet, EfficientNet, CLIP, DINOv2 and others: about the upper third of the layers is trainable, in up to three stages."""

    def __init__(self, encoder: Encoder) -> None:
        if not isinstance(encoder, TransformersEncoder):
            raise TrainingError(f"{encoder.id} cannot be trained.")
        self.id, self.revision, self.encoder = encoder.id, encoder.revision, encoder
        self._model = copy.deepcopy(encoder._model).float().requires_grad_(False)
        self._processor, self._tokenizer, self._device = encoder._processor, encoder._tokenizer, encoder.device

    @property
    def stages(self) -> list[list[torch.nn.Parameter]]:
        return stages_of(self._model)

    def prepare(self, images: Sequence[Image.Image]) -> list[PreparedPicture]:
        found = [self._processor(images=[image], return_tensors="pt") for image in images]
        return [{name: values[0] for name, values in inputs.items()} for inputs in found]

    def parts(self, prepared: Sequence[PreparedPicture], untrained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        import torch

        embed = getattr(self._model, "get_image_features", self._model)
        rows, found = [], []
        for same_shape in _by_shape([picture["pixel_values"] for picture in prepared]):
            inputs = {
                name: torch.stack([prepared[row][name] for row in same_shape]).to(self._device) for name in prepared[0]
            }
            output = embed(**inputs, output_hidden_states=True)
            style = [torch.stack([_spread(each) for each in layer]) for layer in style_maps(output, inputs)]
            found.append([*style, output.pooler_output.flatten(1)])
            rows += same_shape
        order = torch.argsort(torch.tensor(rows))
        return [torch.cat(each)[order].float().cpu() for each in zip(*found, strict=True)]

    def save(self, folder: Path) -> list[str]:
        self._model.save_pretrained(folder)
        self._processor.save_pretrained(folder)
        if self._tokenizer is not None:
            self._tokenizer.save_pretrained(folder)
        return sorted(path.name for path in folder.iterdir())

    def reset(self) -> None:
        import torch

        with torch.no_grad():
            for stage, before in zip(self.stages, stages_of(self.encoder._model), strict=True):
                for weight, old in zip(stage, before, strict=True):
                    weight.copy_(old)


def _spread(maps: torch.Tensor) -> torch.Tensor:
    """(c, h, w) -> (2 c,): mean and standard deviation over the positions."""
    import torch

    return torch.cat([maps.mean(dim=(1, 2)), maps.std(dim=(1, 2), correction=0)])


def _by_shape(tensors: Sequence[torch.Tensor]) -> list[list[int]]:
    """Positions of tensors of equal shape, which can be stacked, per shape."""
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, tensor in enumerate(tensors):
        groups[tuple(tensor.shape)].append(row)
    return list(groups.values())
