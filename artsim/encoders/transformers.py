"""Encoders from the Hub or from a local folder in the same layout: CLIP, SigLIP, DINOv2, ResNet, EfficientNet, ...

`encoders.checkpoint` loads the model and its preprocessing from the files of the checkpoint. Only weights are read, with
safetensors or PyTorch's restricted reader; code in a checkpoint is never run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from artsim.encoders.checkpoint import commit_of, load_checkpoint, weights_hash
from artsim.encoders.hidden_states import layout_vectors, maps_of, style_statistics, vectors_of_regions
from artsim.encoders.protocol import Aspect, Blocks, best_device, failures_of, in_batches, joined, unit_rows
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

    def __init__(self, name: str, *, revision: str | None = None, device: str | None = None) -> None:
        self.id = name
        self.commit = commit_of(name, revision)
        self.revision = weights_hash(name) or self.commit or "unknown"
        model, self._processor, self._tokenizer = load_checkpoint(name, self.commit)
        self._config, self._model = model.config, TorchModel(model)
        self.embeds_text = self._tokenizer is not None
        self.short_side = _input_side(self._processor)
        with failures_of(name):  # on the CPU: on ZeroGPU there is no GPU yet
            subject, maps = self._embed_maps([whole_view(Image.new("RGB", (64, 64), (128, 128, 128)))])
        self.segments: dict[Aspect, tuple[int, ...]] = {
            "subject": (subject.shape[1],),
            "style": tuple(style_statistics(layer).shape[1] for layer in maps),
            "layout": (layout_vectors(maps[-1]).shape[1],),
        }
        self.region_dim = vectors_of_regions(maps[-1]).shape[2]
        self.dims: dict[Aspect, int] = {aspect: sum(lengths) for aspect, lengths in self.segments.items()}
        self._model.to(device or best_device())

    @property
    def device(self) -> str:
        return self._model.device

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

        def embed_batch(batch: Sequence[View]) -> dict[str, np.ndarray]:
            subject, maps = self._embed_maps(batch)
            vectors = {
                "subject": unit_rows(subject),
                "style": joined([style_statistics(layer) for layer in maps]),
                "layout": layout_vectors(maps[-1]),
            }
            return {**vectors, "regions": vectors_of_regions(maps[-1])} if regions else vectors

        with failures_of(self.id):
            return in_batches(embed_batch, views, self._model.batch)

    def _embed_maps(self, views: Sequence[View]) -> tuple[np.ndarray, list[list[np.ndarray]]]:
        """Subject (n, d), and for each style layer the map (channels, rows, columns) of each view."""
        inputs = self.inputs(views)
        states = self._model.embed_images(inputs)
        return states.subject, [maps_of(state, inputs) for state in states.style]

    def inputs(self, views: Sequence[View]) -> dict[str, np.ndarray]:
        """The model's input. Views of long pictures are squeezed first to what its processor neither crops nor enlarges much."""
        max_aspect = 1.0 if getattr(self._processor, "do_center_crop", False) else LONG
        frame = partial(fit_frame, short_side=self.short_side, max_aspect=max_aspect, multiple=1)
        images = [view.resized(frame(view.size)) if view.is_of_long_picture else view.image for view in views]
        return dict(self._processor(images=images, return_tensors="np"))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        if self._tokenizer is None:
            raise EncoderError(
                "{encoder} embeds pictures, not text. Search with a picture, or use a CLIP or SigLIP encoder.",
                encoder=self.id,
            )
        if self._config.model_type.startswith(
            "siglip"
        ):  # trained with small letters; the Gemma tokenizer of SigLIP 2 keeps capitals
            texts = [text.lower() for text in texts]
        # SigLIP was trained with texts padded to the full length; for CLIP, padding makes no difference.
        length = getattr(getattr(self._config, "text_config", None), "max_position_embeddings", None)
        with failures_of(self.id):
            inputs = self._tokenizer(
                list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="np"
            )
            return unit_rows(self._model.embed_texts(dict(inputs)))

    def embed_patches(self, image: Image.Image) -> np.ndarray:
        with failures_of(self.id):
            inputs = self.inputs([whole_view(image)])
            (last,) = maps_of(self._model.embed_images(inputs).last, inputs)
        return unit_rows(last.transpose(1, 2, 0))


def _input_side(processor: Any) -> int:
    """The short side of the model's input, from its processor's `size`."""
    size = dict(getattr(processor, "size", None) or {})
    sides = [value for key, value in size.items() if key in ("shortest_edge", "height", "width") and value]
    return int(min(sides, default=384))
