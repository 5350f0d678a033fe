"""Backbones with weights that can be trained, and the parts of them that stay as they are.

A backbone is unfrozen from the top, stage by stage. What lies below the lowest stage gives the same for a picture each time
(batch normalisation stays as it was trained), so the embedded backbone keeps that and runs only its top.
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
from artsim.images.decode import fit_frame

if TYPE_CHECKING:
    import torch

PreparedPicture = Mapping[str, "torch.Tensor"]
"""What a backbone keeps of one picture, so as to run only what can change."""


class Backbone(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def revision(self) -> str: ...

    @property
    def encoder(self) -> Encoder:
        """As it was before any training."""
        ...

    @property
    def stages(self) -> list[list[torch.nn.Parameter]]:
        """What is unfrozen, stage by stage, from the top."""
        ...

    def prepare(self, images: Sequence[Image.Image]) -> list[PreparedPicture]: ...

    def parts(self, prepared: Sequence[PreparedPicture], given: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The parts of `head_parts`, each (n, d), with the weights as they are now.

        `given`: the same parts of the same pictures as they were before training, for those that cannot change.
        """
        ...

    def save(self, folder: Path) -> list[str]:
        """Write the weights as they are now, or what differs; the names of the files."""
        ...

    def reset(self) -> None:
        """The weights are again as they were before any training."""
        ...


def load_backbone(name: str) -> Backbone:
    """`EncoderError` when there is none, `TrainingError` when it was fine-tuned already."""
    if is_finetuned(name):
        raise TrainingError(f"{name} is fine-tuned already; give the backbone that it was made from.")
    encoder = load_encoder(name)
    return EmbeddedBackbone(encoder) if isinstance(encoder, EmbeddedEncoder) else TransformersBackbone(encoder)


class EmbeddedBackbone:
    """EfficientNet-Lite0: blocks 11 to 15 and the last convolution can be trained, in three stages."""

    # Places in `load_network()`, which counts the first convolution as 0: so block 11 is at place 12.
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

    def parts(self, prepared: Sequence[PreparedPicture], given: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        import torch

        rows, spreads, subjects = [], [], []
        for own in _by_shape([each["map"] for each in prepared]):
            maps = torch.stack([prepared[row]["map"] for row in own]).to(self._device)
            middle, last = self._run(maps.float().to(memory_format=torch.channels_last))
            flat = middle.flatten(2)
            spreads.append(torch.cat([flat.mean(dim=2), flat.std(dim=2, correction=0)], dim=1))
            subjects.append(last.mean(dim=(2, 3)))
            rows += own
        order = torch.argsort(torch.tensor(rows))
        return [torch.cat(spreads)[order].cpu(), given[1], torch.cat(subjects)[order].cpu()]

    def _run(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps (n, c, h, w) before block 11 -> after it, and after the last convolution."""
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
    """ResNet, EfficientNet, CLIP, DINOv2 and others: about the upper third of their layers, in up to three stages."""

    def __init__(self, encoder: Encoder) -> None:
        if not isinstance(encoder, TransformersEncoder):
            raise TrainingError(f"{encoder.id} is no backbone that can be trained.")
        self.id, self.revision, self.encoder = encoder.id, encoder.revision, encoder
        self._model = copy.deepcopy(encoder._model).float().requires_grad_(False)
        self._processor, self._tokenizer, self._device = encoder._processor, encoder._tokenizer, encoder.device

    @property
    def stages(self) -> list[list[torch.nn.Parameter]]:
        return stages_of(self._model)

    def prepare(self, images: Sequence[Image.Image]) -> list[PreparedPicture]:
        found = [self._processor(images=[image], return_tensors="pt") for image in images]
        return [{name: values[0] for name, values in inputs.items()} for inputs in found]

    def parts(self, prepared: Sequence[PreparedPicture], given: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        import torch

        embed = getattr(self._model, "get_image_features", self._model)
        rows, found = [], []
        for own in _by_shape([each["pixel_values"] for each in prepared]):
            inputs = {name: torch.stack([prepared[row][name] for row in own]).to(self._device) for name in prepared[0]}
            output = embed(**inputs, output_hidden_states=True)
            style = [torch.stack([_spread(each) for each in layer]) for layer in style_maps(output, inputs)]
            found.append([*style, output.pooler_output.flatten(1)])
            rows += own
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
    """(c, h, w) -> (2 c,): mean and standard deviation over the places."""
    import torch

    return torch.cat([maps.mean(dim=(1, 2)), maps.std(dim=(1, 2), correction=0)])


def _by_shape(tensors: Sequence[torch.Tensor]) -> list[list[int]]:
    """The places of tensors that have one shape, and so can be stacked."""
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, tensor in enumerate(tensors):
        groups[tuple(tensor.shape)].append(row)
    return list(groups.values())
