"""Settings -> collection: opens the requested collection, or builds the embedded default on first start."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from artsim.building.process import build_in_process
from artsim.building.progress_bar import ProgressBar
from artsim.collection import Collection
from artsim.curation.library import Library
from artsim.embedding.vector_columns import space_name
from artsim.encoders import Precision, choose_encoder, is_own_encoder, load_encoder
from artsim.encoders.embedded import EmbeddedEncoder
from artsim.encoders.zero_gpu import is_zero_gpu
from artsim.errors import CollectionError, EncoderError, QueryError
from artsim.messages.message import Message
from artsim.messages.progress import Progress
from artsim.opening import open_collection
from artsim.ui.settings import Settings
from artsim.ui.starting_page import starting_page
from artsim.version import VERSION

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenedCollection:
    collection: Collection
    encoder: str
    reason: str
    """Why this encoder is used."""
    own: str | None = None
    """Name in the library, if it is an own collection that replaces the requested one."""


def open_or_build(settings: Settings) -> OpenedCollection:
    """The collection to serve; while it is built, its address shows the progress.

    Raises `AddressError`, `CollectionError`, `EncoderError` or `SourceError`.
    """
    opened = _opened(settings)
    if settings.precision is not None:
        opened.collection.query_embedding.precision = settings.precision
    return opened


def _opened(settings: Settings) -> OpenedCollection:
    own = _open_own(settings)
    if own is not None:
        return own
    if settings.collection is not None:
        return _open_named(settings.collection, settings.encoder)
    choice = choose_encoder(settings.encoder)
    log.info("Encoder: %s (%s).", choice.name, choice.reason)
    return OpenedCollection(_default_collection(choice.name, settings), choice.name, choice.reason)


def _open_own(settings: Settings) -> OpenedCollection | None:
    """The own collection last opened in place of the requested one, if there is one and it can be opened."""
    library = Library(settings.cache)
    name = library.opened(settings.collection)
    if name is None:
        return None
    folder = library.folder(name)
    try:
        collection = open_collection(folder)
    except CollectionError as error:
        log.warning("%s The requested collection is opened instead.", error)
        return None
    log.info(
        "Opening your own collection in %s, in place of %s.", folder, settings.collection or "the paintings of The Met"
    )
    made_with = " and ".join(space.encoder for space in collection.state.spaces)
    if not _is_preferred(collection, settings.encoder):
        log.warning("%s was made with %s, so --encoder %s is not used.", folder, made_with, settings.encoder)
    encoder = collection.state.spaces[0].encoder
    return OpenedCollection(collection, encoder, _reason(collection), own=name)


def _open_named(name: str, encoder: str) -> OpenedCollection:
    collection = open_collection(name)
    if not _is_preferred(collection, encoder):
        raise EncoderError(
            "{name} was made with the encoder {made_with} and can only be searched with that. Omit --encoder, or "
            "build the collection again: python -m artsim build --encoder {encoder} ...",
            name=name,
            made_with=" and ".join(space.encoder for space in collection.state.spaces),
            encoder=encoder,
        )
    first, reason = collection.state.spaces[0].encoder, _reason(collection)
    log.info("Encoder: %s (%s; %s).", first, reason, name)
    return OpenedCollection(collection, first, reason)


def _is_preferred(collection: Collection, encoder: str) -> bool:
    """Make `encoder` the default of the collection, unless it is "auto". False if the collection was made without it."""
    try:
        if encoder != "auto":
            collection.prefer(encoder)
    except QueryError:
        return False
    return True


def _reason(collection: Collection) -> str:
    """Why its first encoder is used."""
    count = len(collection.state.spaces)
    return Message("one of {count}", count=count) if count > 1 else Message("the one this collection was made with")


def _default_collection(encoder_name: str, settings: Settings) -> Collection:
    folder = settings.cache / "collections" / f"met-{space_name(encoder_name)}"
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
    with starting_page(settings) as page, closing(ProgressBar("Embedding")) as bar:

        def progress(done: int, total: int | None) -> None:
            page(done, total)
            bar(done, total)

        return _build_default(encoder_name, settings.precision or "float32", folder, progress)


def _build_default(encoder_name: str, precision: Precision, folder: Path, progress: Progress) -> Collection:
    """Build the paintings of The Met into `folder`: in a process of its own, unless the encoder exists in this one alone."""
    if is_own_encoder(encoder_name) and not is_zero_gpu():
        threading.Thread(target=_import_interface, name="imports", daemon=True).start()
        return build_in_process("met", encoder_name, folder, precision=precision, regions=True, progress=progress)
    from artsim.building.pipeline import build_collection
    from artsim.sources import open_source

    encoder = load_encoder(encoder_name, precision=precision)
    return build_collection(open_source("met"), encoder, folder, regions=True, progress=progress)


def _import_interface() -> None:
    """Import what takes seconds, while another process builds: the search then opens sooner."""
    import artsim.ui.interface  # noqa: F401


def _is_current(collection: Collection) -> bool:
    """Whether this version of artsim built it, with the current embedded encoder (others are checked on loading)."""
    space = collection.state.spaces[0]
    same_encoder = space.encoder != EmbeddedEncoder.id or space.revision == EmbeddedEncoder.revision
    return same_encoder and space.regions is not None and collection.manifest.artsim_version == VERSION
