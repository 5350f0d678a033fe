"""Backbones: unfrozen parameters; trained weights are saved, loaded and used in a search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from artsim.encoders import load_encoder
from artsim.encoders.efficientnet_lite0 import load_network
from artsim.encoders.embedded import EmbeddedEncoder
from artsim.encoders.finetuned import changed_network
from artsim.encoders.protocol import unit_rows
from artsim.encoders.style_head import head_segments
from artsim.errors import EncoderError
from artsim.finetuning.backbones import Backbone, load_backbone

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

FAMILIES = ("resnet", "efficientnet", "dinov2", "clip")


@pytest.fixture(scope="session")
def pictures(met_works: list[dict[str, Any]]) -> list[Image.Image]:
    from artsim.images.decode import load_image

    return [load_image(work["image"]["bytes"], short_side=64) for work in met_works[:2] + met_works[3:4]]


def untrained_segments(backbone: Backbone, pictures: list[Image.Image]) -> list[np.ndarray]:
    return head_segments(backbone.encoder.embed_images(pictures), backbone.encoder.segments)


def segments_of(backbone: Backbone, pictures: list[Image.Image]) -> list[np.ndarray]:
    """Segments of the trainable network under its current weights, unit rows."""
    untrained = [torch.from_numpy(segment) for segment in untrained_segments(backbone, pictures)]
    with torch.no_grad():
        found = backbone.segments([backbone.prepare(picture) for picture in pictures], untrained)
    return [unit_rows(segment.numpy()) for segment in found]


def assert_alike(found: list[np.ndarray], expected: list[np.ndarray], least: float) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        assert (unit_rows(ours) * unit_rows(theirs)).sum(axis=1).min() > least


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_from_the_hub_is_trained_saved_and_loaded_as_one(
    family: str, checkpoint: Any, pictures: list[Image.Image], tmp_path: Path
) -> None:
    backbone = load_backbone(str(checkpoint(family)))
    untrained = untrained_segments(backbone, pictures)
    assert_alike(segments_of(backbone, pictures), untrained, 0.9999)
    with torch.no_grad():
        for weight in (weight for stage in backbone.stages for weight in stage):
            weight.mul_(1.05).add_(0.001)
    after = segments_of(backbone, pictures)
    backbone.save(tmp_path)
    assert not np.allclose(unit_rows(untrained[-1]), after[-1], atol=1e-4)
    assert_alike(untrained_segments(backbone, pictures), untrained, 0.9999)  # the baseline of the report
    loaded = load_encoder(str(tmp_path))
    assert_alike(after, head_segments(loaded.embed_images(pictures), loaded.segments), 0.9999)


def test_only_the_upper_layers_of_the_image_part_are_unfrozen(checkpoint: Any) -> None:
    for family in FAMILIES:
        backbone = load_backbone(str(checkpoint(family)))
        model = backbone._model  # type: ignore[attr-defined]
        names = {id(weight): name for name, weight in model.named_parameters()}
        unfrozen = [names[id(weight)] for stage in backbone.stages for weight in stage]
        assert unfrozen and len(set(unfrozen)) == len(unfrozen) < len(names) / 2
        assert not [name for name in unfrozen if "text" in name or "embeddings" in name]
        last = {"resnet": "stages.2", "efficientnet": "blocks.2", "dinov2": "layer.2", "clip": "layers.2"}[family]
        assert any(last in name for name in unfrozen), unfrozen


def test_the_embedded_backbone_saves_only_the_changed_weights(pictures: list[Image.Image], tmp_path: Path) -> None:
    backbone = load_backbone("embedded")
    untrained = untrained_segments(backbone, pictures)
    assert_alike(segments_of(backbone, pictures), untrained, 0.9999)
    assert backbone.save(tmp_path) == []
    with torch.no_grad():
        for weight in backbone.stages[0]:
            weight.mul_(1.1)
    after = segments_of(backbone, pictures)
    np.testing.assert_allclose(after[0], unit_rows(untrained[0]), atol=2e-3)  # block 11 lies below the first stage
    (name,) = backbone.save(tmp_path)
    tuned = EmbeddedEncoder(changed_network(load_network(), tmp_path / name))
    assert_alike(after, head_segments(tuned.embed_images(pictures), tuned.segments), 0.9999)
    assert not np.allclose(after[2], unit_rows(untrained[2]), atol=1e-4)
    assert (tmp_path / name).stat().st_size < 8_000_000


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"99.0.kernel": np.zeros(3, np.float32)}, tmp_path / "a.safetensors")
    with pytest.raises(EncoderError, match="does not have"):
        changed_network(load_network(), tmp_path / "a.safetensors")
    save_file({"17.0.kernel": np.zeros(3, np.float32)}, tmp_path / "b.safetensors")
    with pytest.raises(EncoderError, match="another shape"):
        changed_network(load_network(), tmp_path / "b.safetensors")
