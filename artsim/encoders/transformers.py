"""Encoders from the Hub or from a local folder in the same layout: CLIP, SigLIP, DINOv2, ResNet, EfficientNet, ...

`encoders.checkpoint` loads the model and its preprocessing from the files of the checkpoint. Only weights are read, with
safetensors or PyTorch's restricted reader; code in a checkpoint is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from artsim.encoders.agreement import Agreement
from artsim.encoders.checkpoint import commit_of, load_checkpoint, load_processor, load_tokenizer, weights_hash
from artsim.encoders.hidden_states import (
    NetworkFacts,
    layout_vectors,
    maps_of,
    style_statistics,
    vectors_of_regions,
)
from artsim.encoders.openvino_models import OpenVinoModel, load_openvino_model
from artsim.encoders.protocol import (
    Aspect,
    Blocks,
    Precision,
    best_device,
    failures_of,
    in_batches,
    joined,
    unit_rows,
)
from artsim.encoders.region_vectors import REGIONS
from artsim.encoders.torch_model import TorchModel
from artsim.encoders.views import View, embed_views, whole_view
from artsim.errors import EncoderError
from artsim.images.geometry import LONG, fit_frame


class TransformersEncoder:
    """See `artsim.encoders.protocol.Encoder`.

    `subject`: the joint image-text vector of CLIP-like models (`get_image_features`), else the pooled output.
    `style`: mean and standard deviation over space of the patch tokens (ViT) or channels (CNN) at 1/3 and 2/3 of depth.
    `layout`: the deeper of the two, averaged over a 3 x 3 grid of the picture; regions: averaged over each region.
    Raises `EncoderError` when the model does not exist, cannot be fetched, or is not an image model.
    """

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        device: str | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.id = name
        self.commit = commit_of(name, revision)
        self.revision = weights_hash(name) or self.commit or "unknown"
        device = device or best_device()
        self._model: TorchModel | OpenVinoModel
        converted = self._converted() if device == "cpu" else None
        self._prepare: Callable[[Sequence[Image.Image]], dict[str, np.ndarray]]
        self._tokenize: Callable[[Sequence[str]], dict[str, np.ndarray]] | None = None
        tokenizer = None
        if converted is not None:
            self._model, self._facts = converted, converted.facts
            self._prepare = converted.pictures or partial(_processed, load_processor(name, self.commit))
            self._tokenize = converted.tokenizer()
            if converted.embeds_text and self._tokenize is None:
                tokenizer = load_tokenizer(name, self.commit)
        else:
            model, processor, tokenizer = load_checkpoint(name, self.commit)
            self._model, self._prepare = TorchModel(model), partial(_processed, processor)
            with failures_of(name):  # on the CPU: on ZeroGPU there is no GPU yet
                gray = self._model.embed_images(self._prepare([Image.new("RGB", (64, 64), (128, 128, 128))]))
                self._facts = NetworkFacts.of(model.config, processor, gray)
            self._model.to(device)
        if tokenizer is not None:
            self._tokenize = partial(_tokenized, tokenizer, self._facts.text_length)
        self.embeds_text = self._tokenize is not None
        self.short_side = self._facts.short_side
        self.segments = self._facts.segments
        self.region_dim = self._facts.region_dim
        self.dims: dict[Aspect, int] = {aspect: sum(lengths) for aspect, lengths in self.segments.items()}
        self.batch_size = batch_size or self._model.batch_size

    def _converted(self) -> OpenVinoModel | None:
        return load_openvino_model(self.id, commit=self.commit, revision=self.revision)

    @property
    def precision(self) -> Precision:
        return self._model.precision

    @property
    def precisions(self) -> tuple[Precision, ...]:
        return self._model.precisions

    def in_precision(self, precision: Precision) -> TransformersEncoder:
        twin = self
        if precision != self.precision:
            twin = copy(self)
            twin._model = self._model.in_precision(precision)
        return twin

    def for_queries(self) -> TransformersEncoder:
        return self.in_precision("bf16") if self._model.agrees_in_bf16 else self

    @property
    def device(self) -> str:
        return self._model.device

    def keep_agreement(self, agreement: Agreement) -> bool:
        """Compute queries in bf16 from the next start on, if `agreement` suffices; False if this engine cannot."""
        if not isinstance(self._model, OpenVinoModel):
            return False
        self._model.keep_agreement(agreement)
        return True

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        vectors = embed_views(partial(self._embed, regions=False), images, self.segments)
        return {aspect: vectors[aspect] for aspect in self.dims}

    def embed_with_regions(self, images: Sequence[Image.Image]) -> tuple[Blocks, np.ndarray]:
        vectors = embed_views(partial(self._embed, regions=True), images, self.segments)
        return {aspect: vectors[aspect] for aspect in self.dims}, vectors["regions"]

    def embed_details(self, images: Sequence[Image.Image]) -> np.ndarray:
        return self.embed_with_regions(images)[1][:, 0]

    def _embed(self, views: Sequence[View], *, regions: bool) -> dict[str, np.ndarray]:
        """The aspects, each (n, d), and with `regions` also "regions" (n, regions, d)."""
        if not views:
            shapes: dict[str, tuple[int, ...]] = {aspect: (0, d) for aspect, d in self.dims.items()}
            shapes["regions"] = 0, len(REGIONS), self.region_dim
            return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}

        size, at_once = self._model.batches(len(views))
        size = min(size, self.batch_size)

        def embed_batch(batch: Sequence[View]) -> dict[str, np.ndarray]:
            subject, maps = self._embed_maps(batch, alone=at_once == 1)
            vectors = {
                "subject": unit_rows(subject),
                "style": joined([style_statistics(layer) for layer in maps]),
                "layout": layout_vectors(maps[-1]),
            }
            return {**vectors, "regions": vectors_of_regions(maps[-1])} if regions else vectors

        with failures_of(self.id):
            if at_once == 1:
                return in_batches(embed_batch, views, size)
            batches = [views[start : start + size] for start in range(0, len(views), size)]
            with ThreadPoolExecutor(at_once) as pool:
                parts = list(pool.map(lambda batch: in_batches(embed_batch, batch, size), batches))
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _embed_maps(self, views: Sequence[View], *, alone: bool) -> tuple[np.ndarray, list[list[np.ndarray]]]:
        """Subject (n, d), and for each style layer the map (channels, rows, columns) of each view."""
        inputs = self.inputs(views)
        states = self._model.embed_images(inputs, alone=alone)
        return states.subject, [maps_of(state, inputs) for state in states.style]

    def inputs(self, views: Sequence[View]) -> dict[str, np.ndarray]:
        """The model's input. Views of long pictures are squeezed first to what its processor neither crops nor enlarges much."""
        max_aspect = 1.0 if self._facts.crops else LONG
        frame = partial(fit_frame, short_side=self.short_side, max_aspect=max_aspect, multiple=1)
        images = [view.resized(frame(view.size)) if view.is_of_long_picture else view.image for view in views]
        return self._prepare(images)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        if self._tokenize is None:
            raise EncoderError(
                "{encoder} embeds pictures, not text. Search with a picture, or use a CLIP or SigLIP encoder.",
                encoder=self.id,
            )
        if self._facts.lowers_texts:  # the Gemma tokenizer of SigLIP 2 keeps capitals
            texts = [text.lower() for text in texts]
        with failures_of(self.id):
            return unit_rows(self._model.embed_texts(self._tokenize(texts)))

    def embed_patches(self, image: Image.Image) -> np.ndarray:
        with failures_of(self.id):
            inputs = self.inputs([whole_view(image)])
            (last,) = maps_of(self._model.embed_images(inputs).last, inputs)
        return unit_rows(last.transpose(1, 2, 0))


def _processed(processor: Any, images: Sequence[Image.Image]) -> dict[str, np.ndarray]:
    return dict(processor(images=list(images), return_tensors="np"))


def _tokenized(tokenizer: Any, length: int | None, texts: Sequence[str]) -> dict[str, np.ndarray]:
    return dict(tokenizer(list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="np"))
