"""Encoders: pictures (or texts) -> vectors. `load_encoder` loads any of them by name."""

from artsim.encoders.protocol import ASPECTS, Aspect, Blocks, Encoder
from artsim.encoders.registry import (
    DEFAULT_ENCODER,
    EncoderChoice,
    EncoderFamily,
    choose_encoder,
    embed,
    load_encoder,
    load_recognition_encoder,
    register_encoder,
)

__all__ = [
    "ASPECTS",
    "DEFAULT_ENCODER",
    "Aspect",
    "Blocks",
    "Encoder",
    "EncoderChoice",
    "EncoderFamily",
    "choose_encoder",
    "embed",
    "load_encoder",
    "load_recognition_encoder",
    "register_encoder",
]
