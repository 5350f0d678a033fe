"""Encoders from the Hub or from a local folder in the same layout: CLIP, SigLIP, DINOv2, ResNet, EfficientNet, ...

`encoders.checkpoint` loads the model and its preprocessing from the files of the checkpoint. Only weights are read, with
safetensors or PyTorch's restricted reader; code in a checkpoint is never run.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from artsim.encoders.checkpoint import commit_of, load_model, load_processor, load_tokenizer, weights_hash
from artsim.encoders.protocol import Aspect, Blocks, best_device, failures_of, in_batches, joined, unit_rows
from artsim.encoders.region_vectors import REGIONS, averaged_over_grid, averaged_over_regions
from artsim.encoders.views import View, embed_views, whole_view
from artsim.errors import EncoderError
from artsim.images.geometry import LONG, fit_frame

if TYPE_CHECKING:
    import torch

_BATCH = {"cpu": 16, "mps": 32, "cuda": 128}
_LAYOUT_CHANNELS = 192  # of 768 or more: a layout has 9 times as many numbers, which would outweigh all other vectors
_STYLE_DEPTHS = (1 / 3, 2 / 3)  # the middle of the network: past edges, before objects


class TransformersEncoder:
    """See `artsim.encoders.protocol.Encoder`.

    `subject`: the joint image-text vector of CLIP-like models (`get_image_features`), else the pooled output.
    `style`: mean and standard deviation over space of the patch tokens (ViT) or channels (CNN) at 1/3 and 2/3 of depth.
    `layout`: the deeper of the two, averaged over a 3 x 3 grid of the picture; regions: averaged over each region.
    Raises `EncoderError` when the model does not exist, cannot be fetched, or is not an image model.
    """

    def __init__(
        self, name: str, *, revision: str | None = None, device: str | None = None, batch_size: int | None = None
    ) -> None:
        self.id = name
        self.device = "cpu"  # for the trial run below: on ZeroGPU there is no GPU yet
        self._lock = threading.Lock()
        revision = commit_of(name, revision)
        self._model, self._processor = load_model(name, revision), load_processor(name, revision)
        self.revision = weights_hash(name) or revision or "unknown"
        self.embeds_text = hasattr(self._model, "get_text_features")
        self._tokenizer = load_tokenizer(name, revision) if self.embeds_text else None
        self.short_side = _input_side(self._processor)
        with failures_of(name):
            subject, maps = self._embed_maps([whole_view(Image.new("RGB", (64, 64), (128, 128, 128)))])
        self.segments: dict[Aspect, tuple[int, ...]] = {
            "subject": (subject.shape[1],),
            "style": tuple(_statistics(layer).shape[1] for layer in maps),
            "layout": (_averaged_over_grid(maps[-1]).shape[1],),
        }
        self.region_dim = _averaged_over_regions(maps[-1]).shape[2]
        self.dims: dict[Aspect, int] = {aspect: sum(lengths) for aspect, lengths in self.segments.items()}
        self.device = device or best_device()
        self.batch_size = batch_size or _BATCH[self.device.split(":")[0]]
        self._model.to(self.device)

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
                "style": joined([_statistics(layer) for layer in maps]),
                "layout": unit_rows(_averaged_over_grid(maps[-1])),
            }
            return {**vectors, "regions": _averaged_over_regions(maps[-1])} if regions else vectors

        with failures_of(self.id):
            return in_batches(embed_batch, views, self.batch_size)

    def _embed_maps(self, views: Sequence[View]) -> tuple[np.ndarray, list[list[torch.Tensor]]]:
        """Subject (n, d), and for each style layer the map (channels, rows, columns) of each view."""
        output, inputs = self._forward(views)
        return output.pooler_output.flatten(1).float().cpu().numpy(), style_maps(output, inputs)

    def inputs(self, views: Sequence[View]) -> dict[str, torch.Tensor]:
        """The model's input. Views of long pictures are squeezed first to what its processor neither crops nor enlarges much."""
        max_aspect = 1.0 if getattr(self._processor, "do_center_crop", False) else LONG
        frame = partial(fit_frame, short_side=self.short_side, max_aspect=max_aspect, multiple=1)
        images = [view.resized(frame(view.size)) if view.is_of_long_picture else view.image for view in views]
        return dict(self._processor(images=images, return_tensors="pt"))

    def _forward(self, views: Sequence[View]) -> tuple[Any, dict[str, torch.Tensor]]:
        import torch

        inputs = {
            key: value.to(self.device, self._model.dtype if value.is_floating_point() else None)
            for key, value in self.inputs(views).items()
        }
        embed = getattr(self._model, "get_image_features", self._model)
        with torch.inference_mode(), self._lock:
            return embed(**inputs, output_hidden_states=True), inputs

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        import torch

        if self._tokenizer is None:
            raise EncoderError(
                "{encoder} embeds pictures, not text. Search with a picture, or use a CLIP or SigLIP encoder.",
                encoder=self.id,
            )
        config = self._model.config
        if config.model_type.startswith(
            "siglip"
        ):  # trained with small letters; the Gemma tokenizer of SigLIP 2 keeps capitals
            texts = [text.lower() for text in texts]
        # SigLIP was trained with texts padded to the full length; for CLIP, padding makes no difference.
        length = getattr(getattr(config, "text_config", None), "max_position_embeddings", None)
        with failures_of(self.id):
            inputs = self._tokenizer(
                list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="pt"
            )
            inputs = {key: value.to(self.device) for key, value in inputs.items()}
            with torch.inference_mode(), self._lock:
                output = self._model.get_text_features(**inputs)
            return unit_rows(output.pooler_output.float().cpu().numpy())

    def embed_patches(self, image: Image.Image) -> np.ndarray:
        with failures_of(self.id):
            output, inputs = self._forward([whole_view(image)])
            (last,) = _maps(output.hidden_states[-1], inputs)
        return unit_rows(last.permute(1, 2, 0).float().cpu().numpy())


def _input_side(processor: Any) -> int:
    """The short side of the model's input, from its processor's `size`."""
    size = dict(getattr(processor, "size", None) or {})
    sides = [value for key, value in size.items() if key in ("shortest_edge", "height", "width") and value]
    return int(min(sides, default=384))


def style_maps(output: Any, inputs: dict[str, torch.Tensor]) -> list[list[torch.Tensor]]:
    """For each layer that style is taken from, the map (channels, rows, columns) of each picture."""
    states = output.hidden_states
    last = len(states) - 1
    layers = sorted({max(1, round(last * depth)) for depth in _STYLE_DEPTHS})
    return [_maps(states[layer], inputs) for layer in layers]


def _maps(state: torch.Tensor, inputs: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """A hidden state as one (channels, rows, columns) per picture: class, register and padding tokens dropped."""
    if state.ndim == 4:  # CNN: (n, channels, h, w)
        return list(state)
    if "spatial_shapes" in inputs:  # SigLIP2 with free aspect ratio: the picture's patches first, then padding
        grids = [tuple(shape) for shape in inputs["spatial_shapes"].tolist()]
        tokens = [row[: rows * columns] for row, (rows, columns) in zip(state, grids, strict=True)]
    else:
        rows, columns = _grid(state.shape[1], *inputs["pixel_values"].shape[-2:])
        grids, tokens = [(rows, columns)] * len(state), list(state[:, state.shape[1] - rows * columns :])
    return [row.T.reshape(-1, rows, columns) for row, (rows, columns) in zip(tokens, grids, strict=True)]


def _grid(tokens: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of patches: the largest grid of the picture's shape that fits into `tokens`."""
    rows = int(np.sqrt(tokens * height / width) + 1e-6)
    return rows, int(rows * width / height + 1e-6)


def _statistics(maps: Sequence[torch.Tensor]) -> np.ndarray:
    """(n, 2 * channels): mean and standard deviation over the positions of each picture."""
    import torch

    rows = [torch.cat([x.mean(dim=(1, 2)), x.std(dim=(1, 2), correction=0)]) for x in maps]
    return torch.stack(rows).float().cpu().numpy()


def _averaged_over_grid(maps: Sequence[torch.Tensor]) -> np.ndarray:
    """(n, 9 x at most `_LAYOUT_CHANNELS`): each map averaged over a 3 x 3 grid."""
    cells = np.concatenate([averaged_over_grid(x.float().cpu().numpy()[None]) for x in maps])  # (n, channels, 9)
    return _narrowed(cells.transpose(0, 2, 1)).reshape(len(cells), -1)


def _averaged_over_regions(maps: Sequence[torch.Tensor]) -> np.ndarray:
    """(n, regions, at most `_LAYOUT_CHANNELS`) unit rows: each map averaged over each region."""
    regions = [averaged_over_regions(x.float().cpu().numpy()[None]) for x in maps]
    return unit_rows(_narrowed(np.concatenate(regions)))


def _narrowed(vectors: np.ndarray) -> np.ndarray:
    """(..., channels) -> (..., at most `_LAYOUT_CHANNELS`) by a fixed random projection.

    Johnson-Lindenstrauss: cosines are approximately preserved.
    """
    channels = vectors.shape[-1]
    if channels <= _LAYOUT_CHANNELS:
        return vectors
    return vectors @ np.random.RandomState(0).standard_normal((channels, _LAYOUT_CHANNELS)).astype(np.float32)
