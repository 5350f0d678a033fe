"""Pictures (or words) -> vectors. `load_encoder` makes any of them; `embed` adds the shared `color` aspect."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from artsim.encoders.protocol import ASPECTS, Aspect, Blocks, Encoder
from artsim.encoders.registry import DEFAULT_ENCODER, EncoderChoice, choose_encoder

__all__ = [
    "ASPECTS",
    "DEFAULT_ENCODER",
    "Aspect",
    "Blocks",
    "Encoder",
    "EncoderChoice",
    "choose_encoder",
    "embed",
    "load_encoder",
]


def load_encoder(name: str, *, revision: str | None = None, device: str | None = None) -> Encoder:
    """The encoder called `name`: "embedded", "auto", a Hub model id, a folder in that layout, or a fine-tuned one.

    Raises `EncoderError` with the reason when it cannot be loaded. Takes seconds where torch has to be imported.
    """
    from artsim.encoders.zero_gpu import attach

    name = choose_encoder(name).name
    if name == "embedded":
        from artsim.encoders.embedded import EmbeddedEncoder

        return attach(EmbeddedEncoder(device=device))
    from artsim.encoders.finetuned import FinetunedEncoder, is_finetuned

    if is_finetuned(name):
        return attach(FinetunedEncoder(name, device=device))
    from artsim.encoders.transformers import TransformersEncoder

    return attach(TransformersEncoder(name, revision=revision, device=device))


def embed(encoder: Encoder, images: Sequence[Image.Image]) -> Blocks:
    """All aspects of RGB pictures, raw unit rows."""
    from artsim.encoders.color import embed_colors

    return {**encoder.embed_images(images), "color": embed_colors(images)}
