"""The stages of a build, each measured alone: what a build could reach at best if none waited for another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from PIL import Image

from artsim.embedding.decoded_works import decode_side, decode_work
from artsim.embedding.embed_works import Recogniser
from artsim.encoders import Encoder, load_recognition_encoder
from artsim.encoders.color import embed_colors
from artsim.encoders.recognition_vectors import ENCODER as RECOGNITION_ENCODER
from artsim.encoders.runtime import usable_cores
from artsim.encoders.transformers import TransformersEncoder
from artsim.encoders.views import View
from benchmarking.alternatives import Run

STAGES = ("decode", "resize_and_normalise", "model", "color", "recognition")


def stage_runs(encoder: Encoder, files: Sequence[Path], pool: ThreadPoolExecutor) -> dict[str, Run]:
    """For each of `STAGES`, a run that does it for all of `files`, as fast as this machine does it alone.

    What the encoder does not spread over the cores itself runs in the threads of `pool`. "model" is `embed_images` with inputs
    that are made already.
    """
    side = decode_side([encoder], recognition=True)

    def decode(file: Path) -> Image.Image:
        return decode_work({}, file.read_bytes(), side=side, name=file.name).seen

    images = list(pool.map(decode, files))
    inputs = _Inputs(encoder)
    with inputs.kept():
        blocks = encoder.embed_images(images)
    recogniser = Recogniser(load_recognition_encoder([encoder]))
    layouts = blocks["layout"] if encoder.id == RECOGNITION_ENCODER else None

    def recognise(row: int) -> None:
        recogniser([images[row]], None if layouts is None else layouts[row : row + 1])

    def run_model(_: Any) -> None:
        with inputs.kept():
            encoder.embed_images(images)

    def spread(function: Callable[[Any], Any], items: Iterable[Any]) -> Run:
        def run(_: Any) -> None:
            for _done in pool.map(function, items):
                pass

        return run

    return {
        "decode": spread(decode, files),
        "resize_and_normalise": spread(inputs.make, inputs.calls),
        "model": run_model,
        "color": spread(lambda image: embed_colors([image]), images),
        "recognition": spread(recognise, range(len(images))),
    }


def stage_threads() -> ThreadPoolExecutor:
    """A thread for each core."""
    return ThreadPoolExecutor(usable_cores())


def ideal_rate(stage_ms: Mapping[str, float]) -> float:
    """Images per second of a build in which all stages follow each other at the speed that each has alone."""
    return 1000 / sum(stage_ms.values())


class _Inputs:
    """The inputs of an encoder's model, kept by the calls that make them."""

    def __init__(self, encoder: Encoder) -> None:
        base = getattr(encoder, "_base", encoder)  # of a fine-tuned one
        self._owner, self._name = (
            (TransformersEncoder, "inputs") if isinstance(base, TransformersEncoder) else (View, "resized")
        )
        self._make: Callable[[Any, Any], Any] = getattr(self._owner, self._name)
        self._kept: dict[Any, Any] = {}
        self.calls: list[tuple[Any, Any]] = []
        """The arguments of each call."""

    def make(self, call: tuple[Any, Any]) -> Any:
        return self._make(*call)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within, what was made once is not made again."""

        def known(made_by: Any, argument: Any) -> Any:
            key = tuple(map(_key, argument)) if self._name == "inputs" else (_key(made_by), argument)
            if key not in self._kept:
                self.calls.append((made_by, argument))
                self._kept[key] = self._make(made_by, argument)
            return self._kept[key]

        with mock.patch.object(self._owner, self._name, known):
            yield


def _key(view: View) -> Any:
    return id(view.image), view.box
