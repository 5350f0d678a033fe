"""The encoders of a collection's spaces, each loaded on first use; collections can share those that are the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from artsim.encoders import load_encoder
from artsim.encoders.precision import as_recorded
from artsim.encoders.protocol import Encoder
from artsim.errors import EncoderError
from artsim.snapshot.space import Space

Exactly = tuple[str, str, str]
"""What identifies an encoder: its id, revision and precision."""


class SpaceEncoders:
    """Thread-safe. `given`: encoders by their id, which are taken as they are."""

    def __init__(self, given: Mapping[str, Encoder] | None = None) -> None:
        self.given = dict(given or {})
        self._loaded: dict[Exactly, Encoder] = {}
        self._locks: dict[Exactly, threading.Lock] = {}

    def of(self, space: Space) -> Encoder:
        """The encoder of a space. Raises `EncoderError` if it cannot be loaded, or is not the one of its vectors."""
        if space.encoder in self.given:
            return self.given[space.encoder]
        exactly = space.encoder, space.revision, space.precision
        with self._locks.setdefault(exactly, threading.Lock()):  # others do not wait for one that takes long
            if exactly not in self._loaded:
                self._loaded[exactly] = load_encoder_of(space)
            return self._loaded[exactly]

    def share(self, other: SpaceEncoders) -> None:
        """From now on, load each encoder once for this and for `other`."""
        self._loaded, self._locks = other._loaded, other._locks


def load_encoder_of(space: Space) -> Encoder:
    """Load the encoder of a space at its exact revision, in its precision if this machine has that.

    Raises `EncoderError` if it is missing or differs.
    """
    is_commit = len(space.revision) == 40 and not Path(space.encoder).is_dir()
    encoder = load_encoder(space.encoder, revision=space.revision if is_commit else None)
    expected = {aspect: lengths for aspect, lengths in space.statistics.segments.items() if aspect != "color"}
    if dict(encoder.segments) != expected or (encoder.revision != space.revision and space.revision != "unknown"):
        raise EncoderError(
            "The encoder {encoder} is at revision {revision}, but this collection was made with "
            "{made_with}: their vectors cannot be compared. Build the collection again, or restore that "
            "revision.",
            encoder=space.encoder,
            revision=encoder.revision,
            made_with=space.revision,
        )
    return as_recorded(encoder, space.precision)
