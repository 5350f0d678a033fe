"""Settings -> collection: the one that was asked for, or the embedded default, built on first start."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from artsim.collection import Collection
from artsim.edge import ProgressBar
from artsim.encoders import choose_encoder
from artsim.errors import CollectionError, EncoderError
from artsim.opening import open_collection
from artsim.settings import Settings
from artsim.version import VERSION

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    collection: Collection
    encoder: str
    reason: str
    """Why this encoder is used."""


def open_or_build(settings: Settings) -> Opened:
    """`CollectionError`, `EncoderError` or `SourceError` with a sentence when it cannot be done."""
    if settings.collection is not None:
        return _open_named(settings.collection, settings.encoder)
    choice = choose_encoder(settings.encoder)
    log.info("Encoder: %s (%s).", choice.name, choice.reason)
    return Opened(_default_collection(choice.name, settings.cache), choice.name, choice.reason)


def _open_named(name: str, encoder: str) -> Opened:
    collection = open_collection(name)
    made_with = collection.contents.spaces[0].encoder
    if encoder not in ("auto", made_with):
        raise EncoderError(
            f"{name} was made with the encoder {made_with} and can only be searched with that one. Leave --encoder "
            f"away, or build the collection again: python scripts/build_collection.py --encoder {encoder} ..."
        )
    log.info("Encoder: %s (the one that %s was made with).", made_with, name)
    return Opened(collection, made_with, "the one this collection was made with")


def _default_collection(encoder_name: str, cache: Path) -> Collection:
    from artsim.build import build_collection
    from artsim.makers import space_name

    folder = cache / "collections" / f"met-{space_name(encoder_name)}"
    try:
        collection = open_collection(folder)
        if _is_current(collection):
            return collection
        log.info("The paintings are embedded again, with this version of artsim and its encoder.")
    except CollectionError as error:
        if folder.exists():
            log.warning("%s It is built again now.", error)
        else:
            log.info("First start: the paintings of The Met are embedded once, into %s.", folder)
    from artsim.encoders import load_encoder
    from artsim.sources import open_source

    source, encoder = open_source("met"), load_encoder(encoder_name)
    bar = ProgressBar("Embedding")
    try:
        return build_collection(source, encoder, folder, progress=bar)
    finally:
        bar.close()


def _is_current(collection: Collection) -> bool:
    """Whether this version of artsim made it, with the embedded encoder as it is now (others are checked on loading)."""
    from artsim.encoders.embedded import EmbeddedEncoder

    space = collection.contents.spaces[0]
    same_encoder = space.encoder != EmbeddedEncoder.id or space.revision == EmbeddedEncoder.revision
    return same_encoder and collection.manifest.artsim_version == VERSION
