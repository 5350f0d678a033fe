"""Fine-tuned encoders of `artsim finetune`: a backbone, possibly with changed top layers, and a learned style segment.

A folder holds `finetune.json` (what it is and how it was made, with the sha256 of each file), `style_head.safetensors`, and
the backbone: for the embedded one only the convolutions that changed (`network.safetensors`, absent if none did), for any
other a whole checkpoint, which plain transformers loads as well. Every file is verified; nothing is unpickled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel

from artsim.encoders.efficientnet_lite0 import Block, load_network
from artsim.encoders.embedded import EmbeddedEncoder
from artsim.encoders.label_probabilities import HeadCalibration
from artsim.encoders.precision import for_queries, in_precision
from artsim.encoders.protocol import Aspect, Blocks, Precision, PrecisionEncoder, joined
from artsim.encoders.reproductions import layouts_of
from artsim.encoders.style_head import StyleHead, head_segments, load_style_head
from artsim.encoders.transformers import TransformersEncoder
from artsim.errors import EncoderError

CONFIG_FILE, HEAD_FILE, NETWORK_FILE = "finetune.json", "style_head.safetensors", "network.safetensors"
FORMAT_VERSION = 1


class BackboneName(BaseModel):
    """The untrained backbone of a fine-tuned encoder."""

    id: str
    revision: str


class FinetuneConfig(BaseModel):
    """The content of `finetune.json`. What has no default here is needed for loading."""

    format_version: int
    artsim: str = ""
    backbone: BackboneName
    label: str = ""
    classes: tuple[str, ...] = ()
    seed: int = 0
    step: float = 0
    works: dict[str, Any] = {}
    split: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    source: dict[str, str] = {}
    calibration: HeadCalibration | None = None
    """What makes probabilities of the head's scores; None in folders of older versions."""
    training: str = ""
    """Fingerprint of works, backbone and recipe."""
    files: dict[str, str]
    """sha256 of every file with weights."""


def is_finetuned(name: str | Path) -> bool:
    """Whether `name` is a folder that holds a fine-tuned encoder."""
    return (Path(name) / CONFIG_FILE).is_file()


class FinetunedEncoder:
    """See `artsim.encoders.protocol.Encoder`. `style` has one segment more than the backbone's: the learned one.

    Raises `EncoderError` when a file of the folder is missing, damaged or not the one that was saved.
    """

    def __init__(self, name: str, *, device: str | None = None, batch_size: int | None = None) -> None:
        folder = Path(name)
        config = read_config(folder)
        _verify(folder, config)
        self.id = name
        self.revision = _revision(config)
        base, head = _load_backbone(folder, config, device, batch_size), load_style_head(folder / HEAD_FILE)
        lengths = [*base.segments["style"], *base.segments["subject"]]
        if [len(head_input.mean) for head_input in head.inputs] != lengths:
            raise EncoderError(
                f"{folder / HEAD_FILE} was trained for another backbone than {folder} holds; train it again."
            )
        self._base, self._head = base, head
        self.label, self.classes, self.calibration = config.label, config.classes, config.calibration
        self.segments: dict[Aspect, tuple[int, ...]] = {
            **base.segments,
            "style": (*base.segments["style"], head.dimension),
        }
        self.dims: dict[Aspect, int] = {aspect: sum(lengths) for aspect, lengths in self.segments.items()}
        self.short_side = base.short_side
        self.region_dim: int = base.region_dim
        self.embeds_text = base.embeds_text
        self.device = base.device
        self.batch_size: int = base.batch_size

    @property
    def precision(self) -> Precision:
        return self._base.precision if isinstance(self._base, PrecisionEncoder) else "float32"

    @property
    def precisions(self) -> tuple[Precision, ...]:
        return self._base.precisions if isinstance(self._base, PrecisionEncoder) else ("float32",)

    def in_precision(self, precision: Precision) -> FinetunedEncoder:
        return self._with_base(in_precision(self._base, precision))

    def for_queries(self) -> FinetunedEncoder:
        return self._with_base(for_queries(self._base))

    def _with_base(self, base: Any) -> FinetunedEncoder:
        twin = self
        if base is not self._base:
            twin = copy(self)
            twin._base = base
        return twin

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        return with_learned_style(self._base.embed_images(images), self._base.segments, self._head)

    def class_probabilities(self, style: np.ndarray, calibration: HeadCalibration) -> np.ndarray:
        """Raw rows (1, d) of the aspect `style` of a picture -> (classes,) with the sum 1."""
        return calibration(self._head.scores_of(style)[0])

    def embed_with_regions(self, images: Sequence[Image.Image]) -> tuple[Blocks, np.ndarray]:
        blocks, regions = self._base.embed_with_regions(images)
        return with_learned_style(blocks, self._base.segments, self._head), regions

    def embed_layouts(self, images: Sequence[Image.Image]) -> np.ndarray:
        return layouts_of(self._base, images)

    def embed_details(self, images: Sequence[Image.Image]) -> np.ndarray:
        return self._base.embed_details(images)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return self._base.embed_texts(texts)

    def embed_patches(self, image: Image.Image) -> np.ndarray:
        return self._base.embed_patches(image)


def with_learned_style(blocks: Blocks, segments: Mapping[Aspect, tuple[int, ...]], head: StyleHead) -> Blocks:
    """Raw blocks of a backbone with these `segments`, the learned vector added as one more segment of `style`."""
    inputs = head_segments(blocks, segments)
    return {**blocks, "style": joined([*inputs[:-1], head(inputs)])}


def read_config(folder: Path) -> FinetuneConfig:
    """Read `finetune.json`. `EncoderError` when it is damaged, or a newer artsim wrote it."""
    path = folder / CONFIG_FILE
    try:
        config = FinetuneConfig.model_validate_json(path.read_bytes())
        if HEAD_FILE not in config.files:
            raise ValueError(f"its files lack {HEAD_FILE}")
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split(" [type=")[0].split())  # pydantic's goes on with input and address
        raise EncoderError(f"{path} cannot be read ({reason}); train it again, or fetch the folder again.") from error
    if config.format_version > FORMAT_VERSION:
        raise EncoderError(
            f"{path} has format version {config.format_version}; this artsim reads up to {FORMAT_VERSION}. Update artsim."
        )
    return config


def _verify(folder: Path, config: FinetuneConfig) -> None:
    for name, expected in config.files.items():
        path = folder / Path(name).name  # never a path outside the folder
        try:
            with path.open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise EncoderError(f"{path} cannot be read ({error.strerror}); fetch or train the folder again.") from error
        if actual != expected:
            raise EncoderError(f"{path} is not the file that was saved there; fetch or train the folder again.")


def _revision(config: FinetuneConfig) -> str:
    """Identifies the exact weights: those of the original backbone, and every file of the folder."""
    digest = hashlib.sha256(config.backbone.revision.encode())
    for name, sha256 in sorted(config.files.items()):
        digest.update(f"\0{name}\0{sha256}".encode())
    return f"finetuned-{digest.hexdigest()[:16]}"


def _load_backbone(folder: Path, config: FinetuneConfig, device: str | None, batch_size: int | None) -> Any:
    if config.backbone.id != EmbeddedEncoder.id:
        return TransformersEncoder(str(folder), device=device, batch_size=batch_size)
    if config.backbone.revision != EmbeddedEncoder.revision:
        raise EncoderError(
            f"{folder} was fine-tuned from the embedded encoder {config.backbone.revision}, and this artsim has "
            f"{EmbeddedEncoder.revision}. Train it again, or use the artsim version that trained it."
        )
    network = load_network()
    if NETWORK_FILE in config.files:
        network = changed_network(network, folder / NETWORK_FILE)
    return EmbeddedEncoder(network, device=device, batch_size=batch_size)


def changed_network(network: Sequence[Block], path: Path) -> tuple[Block, ...]:
    """`network` with the convolutions of the file, whose keys are `BLOCK.CONVOLUTION.kernel` and `.bias`, counted from 0."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        values = load_file(path)
    except (OSError, SafetensorError) as error:
        raise EncoderError(f"{path} is not a file of weights ({error}); fetch or train the folder again.") from error
    blocks = []
    for number, block in enumerate(network):
        convolutions = []
        for position, old in enumerate(block.convolutions):
            kernel = values.pop(f"{number}.{position}.kernel", old.kernel)
            bias = values.pop(f"{number}.{position}.bias", old.bias)
            if kernel.shape != old.kernel.shape or bias.shape != old.bias.shape:
                raise EncoderError(f"{path} holds a convolution of another shape than the network's; train it again.")
            convolutions.append(replace(old, kernel=kernel, bias=bias))
        blocks.append(replace(block, convolutions=tuple(convolutions)))
    if values:
        raise EncoderError(f"{path} holds weights that the network does not have ({min(values)}); train it again.")
    return tuple(blocks)
