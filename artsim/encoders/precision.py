"""The precision of encoders: the one that is asked for, or that a collection was made with, and the fastest for queries."""

from __future__ import annotations

import logging

from artsim.encoders.protocol import Encoder, Precision, PrecisionEncoder
from artsim.errors import EncoderError

log = logging.getLogger(__name__)


def precision_of(encoder: Encoder) -> str:
    """The number format that `encoder` computes in."""
    return encoder.precision if isinstance(encoder, PrecisionEncoder) else "float32"


def in_precision(encoder: Encoder, precision: Precision) -> Encoder:
    """`encoder`, computing in `precision`; as it is, if it has only one. `EncoderError` if this machine does not have it."""
    if not isinstance(encoder, PrecisionEncoder):
        return encoder
    if precision not in encoder.precisions:
        raise EncoderError(
            "This machine's processor does not compute in {precision}: leave --precision out, or give float32.",
            precision=precision,
        )
    return encoder.in_precision(precision)


def as_recorded(encoder: Encoder, precision: str) -> Encoder:
    """`encoder`, computing in the precision that a collection was made with, or in its own if this machine does not have it."""
    if not isinstance(encoder, PrecisionEncoder) or precision == encoder.precision:
        return encoder
    for possible in encoder.precisions:
        if possible == precision:
            return encoder.in_precision(possible)
    log.info("This machine does not compute in %s: %s computes in %s.", precision, encoder.id, encoder.precision)
    return encoder


def for_queries(encoder: Encoder, precision: Precision | None = None) -> Encoder:
    """`encoder` as queries use it: in `precision`, or in the fastest that was found to agree (`artsim.encoders.agreement`)."""
    if not isinstance(encoder, PrecisionEncoder):
        return encoder
    return encoder.for_queries() if precision is None else as_recorded(encoder, precision)
