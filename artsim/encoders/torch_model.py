"""Models of transformers in PyTorch, on any device: NumPy arrays in, NumPy arrays out."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from artsim.encoders.hidden_states import ImageStates, style_layers
from artsim.encoders.protocol import PRECISIONS, Precision

if TYPE_CHECKING:
    import torch

_BATCH = {"cpu": 16, "cuda": 128}
_BATCH_ELSEWHERE = 32


class TorchModel:
    """A model of `checkpoint.load_model`. It runs on the CPU until `to` moves it."""

    device = "cpu"

    def __init__(self, model: Any, precision: Precision = "float32") -> None:
        self.precision = precision
        self._model = model.bfloat16() if precision == "bf16" else model.float()
        self._lock = threading.Lock()

    precisions = PRECISIONS
    agrees_in_bf16 = False  # on a processor, PyTorch may be slower so

    @property
    def batch_size(self) -> int:
        """The best number of pictures to embed together."""
        return _BATCH.get(self.device.split(":")[0], _BATCH_ELSEWHERE)

    def batches(self, pictures: int) -> tuple[int, int]:
        """The best number of pictures of one call, and of calls at once, where so many pictures are to be embedded."""
        return min(pictures, self.batch_size), 1

    def in_precision(self, precision: Precision) -> TorchModel:
        """A copy of the model, which computes in `precision`."""
        twin = TorchModel(deepcopy(self._model), precision)
        twin.device = self.device
        return twin

    def to(self, device: str) -> None:
        self._model.to(device)
        self.device = device

    def embed_images(self, inputs: Mapping[str, np.ndarray], *, alone: bool = True) -> ImageStates:
        """`alone`: no other call runs at the same time."""
        subject, *states = self._run(image_tensors, inputs)
        return ImageStates(subject, tuple(states[:-1]), states[-1])

    def embed_texts(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n, d)"""
        return self._run(text_tensors, inputs)[0]

    def _run(self, tensors_of: Any, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        import torch

        tensors = {name: torch.from_numpy(values).to(self.device) for name, values in inputs.items()}
        floats = {name: x.to(self._model.dtype) for name, x in tensors.items() if x.is_floating_point()}
        with torch.inference_mode(), self._lock:
            return [x.float().cpu().numpy() for x in tensors_of(self._model, {**tensors, **floats})]


def image_tensors(model: Any, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The fields of `ImageStates`, one after the other."""
    output = getattr(model, "get_image_features", model)(**inputs, output_hidden_states=True)
    states = output.hidden_states
    style = [states[layer] for layer in style_layers(len(states))]
    return output.pooler_output.flatten(1), *style, states[-1]


def text_tensors(model: Any, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The vectors (n, d) of texts, alone in a tuple."""
    return (model.get_text_features(**inputs).pooler_output,)
