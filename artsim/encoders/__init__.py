"""Encoders: pictures (or texts) -> vectors. `load_encoder` loads any of them by name."""

from artsim.encoders.precision import precision_of
from artsim.encoders.protocol import ASPECTS, PRECISIONS, Aspect, Blocks, Encoder, Precision
from artsim.encoders.registry import (
    DEFAULT_ENCODER,
    EncoderChoice,
    EncoderFamily,
    choose_encoder,
    embed,
    is_own_encoder,
    load_encoder,
    load_recognition_encoder,
    register_encoder,
)

__all__ = [
    "ASPECTS",
    "DEFAULT_ENCODER",
    "PRECISIONS",
    "Aspect",
    "Blocks",
    "Encoder",
    "EncoderChoice",
    "EncoderFamily",
    "Precision",
    "choose_encoder",
    "embed",
    "is_own_encoder",
    "load_encoder",
    "load_recognition_encoder",
    "precision_of",
    "register_encoder",
]
