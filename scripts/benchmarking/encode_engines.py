"""The model alone, in PyTorch and in OpenVINO: what each engine does with inputs that are made already."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from PIL import Image

from artsim.encoders import Encoder
from artsim.encoders.checkpoint import load_checkpoint
from artsim.encoders.openvino_models import OpenVinoModel
from artsim.encoders.torch_model import TorchModel
from artsim.encoders.transformers import TransformersEncoder

_BATCH = 8
_SECONDS = 15.0  # of all calls, which alternate


def engine_rates(encoder: Encoder, images: Sequence[Image.Image]) -> dict[str, dict[str, float]]:
    """Pictures per second by engine and number format, singly and in batches of 8: the median of calls that alternate.

    Empty where the encoder does not run in OpenVINO.
    """
    base = getattr(encoder, "_base", encoder)  # of a fine-tuned one
    if not isinstance(base, TransformersEncoder) or not isinstance(base._model, OpenVinoModel):
        return {}
    torch_model = TorchModel(load_checkpoint(base.id, base.commit)[0])
    models: dict[str, TorchModel | OpenVinoModel] = {"PyTorch float32": torch_model}
    models |= {f"OpenVINO {precision}": base._model.in_precision(precision) for precision in base.precisions}
    squares = [image.resize((512, 512)) for image in images[:_BATCH]]
    inputs = {"singly": base._prepare(squares[:1]), "batches": base._prepare(squares)}
    calls = {(engine, way): model for engine, model in models.items() for way in inputs}
    times: dict[tuple[str, str], list[float]] = {call: [] for call in calls}
    for (_, way), model in calls.items():
        model.embed_images(inputs[way])  # one-time costs are not timed
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end or not all(times.values()):
        for call, model in calls.items():
            start = time.perf_counter()
            model.embed_images(inputs[call[1]])
            times[call].append(time.perf_counter() - start)
    counts = {"singly": 1, "batches": len(squares)}
    return {
        engine: {way: round(counts[way] / statistics.median(times[engine, way]), 1) for way in inputs}
        for engine in models
    }
