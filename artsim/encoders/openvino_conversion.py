"""The process that converts a model of transformers for OpenVINO: `python -m artsim.encoders.openvino_conversion`.

`openvino_models` starts it. OpenVINO's converter reports to its makers each time that it is imported, unless their package for
that is absent: here it is hidden. The networks are compared with PyTorch before they are kept.
"""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from artsim.encoders.checkpoint import Checkpoint, load_checkpoint
from artsim.encoders.hidden_states import ImageStates, NetworkFacts, text_length
from artsim.encoders.model_inputs import TOKENIZER_FILE, PictureNumbers, TextNumbers, Tokenizer
from artsim.encoders.openvino_models import ERROR_FILE, MODEL_FILE, ConvertedModel, FileState, Part
from artsim.encoders.protocol import failures_of, reason_of
from artsim.encoders.runtime import import_converter
from artsim.encoders.torch_model import TorchModel, image_tensors, text_tensors
from artsim.errors import EncoderError

_MOST_DISTANCE = 0.014  # of vectors of length 1: a cosine of .9999
_PICTURES = ((64, 64), (500, 333), (97, 211))
_TEXTS = ("a painting of a Horse", "", "Gärten im Winter; " * 30)
_MOST_DIFFERENCE = 1e-5  # of normalised pixels

Inputs = Mapping[str, np.ndarray]


class _Differs(Exception):
    """A converted network computes something else than PyTorch."""


def main() -> None:
    request = json.loads(sys.stdin.read())
    out = Path(request["out"])
    try:
        checkpoint = load_checkpoint(request["name"], request["commit"])
        with failures_of(request["id"]):
            examples = example_inputs(checkpoint)
            expected = {part: _in_torch(checkpoint, part, inputs) for part, inputs in examples.items()}
    except EncoderError as error:
        values = {name: str(value) for name, value in error.message.values.items()}
        if "name" in values:  # the absolute path that this process was given
            values["name"] = request["id"]
        _write(out / ERROR_FILE, json.dumps({"template": error.message.template, "values": values}))
        return
    try:
        record = _convert(checkpoint, examples, expected, out)
    except MemoryError:
        raise
    except Exception as error:  # whatever the converter raises for networks that it does not know
        logging.getLogger(__name__).debug("The conversion fails.", exc_info=error)
        for path in out.iterdir():
            path.unlink()
        record = ConvertedModel(problem=reason_of(error))
    _write(out / MODEL_FILE, record.model_dump_json(indent=2))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def example_inputs(checkpoint: Checkpoint) -> dict[Part, Inputs]:
    """Three pictures, and three texts if the model embeds them, as inputs of its networks."""
    inputs: dict[Part, Inputs] = {"images": dict(checkpoint.processor(images=_pictures(), return_tensors="np"))}
    if checkpoint.tokenizer is not None:
        inputs["texts"] = dict(
            checkpoint.tokenizer(
                list(_TEXTS),
                padding="max_length",
                truncation=True,
                max_length=text_length(checkpoint.model.config),
                return_tensors="np",
            )
        )
    return inputs


def _pictures() -> list[Image.Image]:
    random = np.random.RandomState(0)
    coarse = [Image.fromarray(random.randint(0, 256, (9, 9, 3), np.uint8)) for _ in _PICTURES]
    return [image.resize(size, Image.Resampling.BICUBIC) for image, size in zip(coarse, _PICTURES, strict=True)]


def _own_pictures(checkpoint: Checkpoint, expected: Inputs) -> PictureNumbers | None:
    """The numbers of the processor, if artsim prepares pictures with them as it does."""
    numbers = PictureNumbers.of(checkpoint.processor)
    if numbers is None or set(expected) != {"pixel_values"}:
        return None
    found = numbers(_pictures())["pixel_values"]
    same = found.shape == expected["pixel_values"].shape
    return numbers if same and np.abs(found - expected["pixel_values"]).max() < _MOST_DIFFERENCE else None


def _own_texts(checkpoint: Checkpoint, expected: Inputs, out: Path) -> TextNumbers | None:
    """The numbers of the tokenizer, if artsim tokenizes texts with them, and the file that this writes, as it does."""
    reader = getattr(checkpoint.tokenizer, "backend_tokenizer", None)
    numbers = TextNumbers.of(checkpoint.tokenizer, expected)
    if reader is None or numbers is None:
        return None
    reader.save(str(out / TOKENIZER_FILE))
    found = Tokenizer(out, numbers)(_TEXTS)
    return numbers if all(np.array_equal(found[name], expected[name]) for name in expected) else None


def _in_torch(checkpoint: Checkpoint, part: Part, inputs: Inputs) -> list[np.ndarray]:
    model = TorchModel(checkpoint.model)
    if part == "texts":
        return [model.embed_texts(inputs)]
    states = model.embed_images(inputs)
    return [states.subject, *states.style, states.last]


def _convert(
    checkpoint: Checkpoint, examples: Mapping[Part, Inputs], expected: Mapping[Part, list[np.ndarray]], out: Path
) -> ConvertedModel:
    """Write the networks to `out`."""
    openvino, convert_model = import_converter()
    _pool_whole_maps(checkpoint.model)
    names: dict[Part, tuple[str, ...]] = {}
    for part, inputs in examples.items():
        module = _module(checkpoint.model, image_tensors if part == "images" else text_tensors, tuple(inputs))
        tensors = {name: torch.from_numpy(values) for name, values in inputs.items()}
        with torch.inference_mode():
            network = convert_model(module, example_input=tensors)
        openvino.save_model(network, out / f"{part}.xml", compress_to_fp16=False)
        compiled = openvino.Core().compile_model(out / f"{part}.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        names[part] = tuple(_input_name(port.get_names(), tuple(inputs)) for port in compiled.inputs)
        for rows in (slice(0, None), slice(1, 2)):
            found = compiled([inputs[name][rows] for name in names[part]])
            _compare([found[number] for number in range(len(found))], [each[rows] for each in expected[part]])
    subject, *style, last = expected["images"]
    return ConvertedModel(
        inputs=names,
        facts=NetworkFacts.of(checkpoint.model.config, checkpoint.processor, ImageStates(subject, tuple(style), last)),
        pictures=_own_pictures(checkpoint, examples["images"]),
        texts=_own_texts(checkpoint, examples["texts"], out) if "texts" in examples else None,
        files={path.name: FileState.of(path) for path in out.iterdir()},
    )


def _pool_whole_maps(model: torch.nn.Module) -> None:
    """EfficientNet's pooling has a window larger than the map, which PyTorch cuts to the map, and OpenVINO refuses."""
    if isinstance(getattr(model, "pooler", None), torch.nn.AvgPool2d):
        model.pooler = torch.nn.AdaptiveAvgPool2d(1)


def _module(model: torch.nn.Module, tensors_of: Callable[..., Any], names: tuple[str, ...]) -> torch.nn.Module:
    """A module that takes the inputs `names` and returns `tensors_of` them."""

    class Outputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: torch.Tensor) -> Any:
            return tensors_of(self.model, dict(zip(names, values, strict=True)))

    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", *names)]
    Outputs.forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # the converter reads it
    return Outputs().eval()


def _input_name(candidates: set[str], names: Sequence[str]) -> str:
    return next(name for name in names if name in candidates)


def _compare(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    for number, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        if ours.shape != theirs.shape:
            raise _Differs(f"output {number} has the shape {ours.shape} instead of {theirs.shape}")
        for one, other in zip(ours.reshape(len(ours), -1), theirs.reshape(len(theirs), -1), strict=True):
            distance = float(np.linalg.norm(one - other))
            if not distance <= _MOST_DISTANCE * np.linalg.norm(other) + 1e-6:
                raise _Differs(f"output {number} is {distance:.3g} away from PyTorch's")


if __name__ == "__main__":
    main()
