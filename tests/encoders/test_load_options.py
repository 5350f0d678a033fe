"""`load_encoder(device=, batch_size=)`: what this machine has not is refused, and no batch is larger than asked for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artsim.encoders import load_encoder
from artsim.encoders.transformers import TransformersEncoder
from artsim.encoders.views import View
from artsim.errors import EncoderError


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "CPU", "meta"])
def test_a_device_that_this_machine_lacks_is_refused_with_those_it_has(device: str) -> None:
    with pytest.raises(EncoderError, match=rf"PyTorch has no device '{device}' on this machine; it has cpu"):
        load_encoder("embedded", device=device)


def test_a_batch_of_no_pictures_is_refused() -> None:
    with pytest.raises(EncoderError, match="batch size must be at least 1; it is 0"):
        load_encoder("embedded", batch_size=0)


@pytest.mark.slow
def test_a_model_never_gets_more_pictures_than_the_batch_size(clip: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [Image.new("RGB", (40, 30), (40 * number, 90, 100)) for number in range(5)]
    small = load_encoder(clip.id, device="cpu", batch_size=2)
    sizes, inputs = [], TransformersEncoder.inputs

    def counted(encoder: TransformersEncoder, views: Sequence[View]) -> Any:
        sizes.append(len(views))
        return inputs(encoder, views)

    monkeypatch.setattr(TransformersEncoder, "inputs", counted)
    subjects = small.embed_images(images)["subject"]
    assert sum(sizes) == 5 and max(sizes) == 2
    np.testing.assert_allclose(subjects, clip.embed_images(images)["subject"], atol=1e-5)
