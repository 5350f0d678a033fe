"""`open_collections`: open several collections to search them at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from artsim.collection import Collection
from artsim.errors import CollectionError, EncoderError
from artsim.federation.answer import LeftOut, one_error, reason_of
from artsim.federation.federation import Federation
from artsim.opening import folder_of, open_collection

_AT_ONCE = 8

log = logging.getLogger(__name__)


def open_collections(names: Iterable[str | Path], *, verify: bool = False) -> Federation:
    """Open several collections, each as `open_collection` does, to search them at once.

    Those that cannot be opened are left out: see `Federation.not_opened`. Encoders are loaded now, as searches have a deadline;
    one that several collections were made with is loaded once, and embeds a query once for all of them. Raises
    `CollectionError` if there is no name, if one is given twice, or if no collection can be opened; in the last case, the
    error of the collections, if they have the same type.
    """
    if isinstance(names, str | Path):
        raise CollectionError("Give open_collections a list of names; open_collection opens a single one.")
    given = [str(name) for name in names]
    if not given:
        raise CollectionError("There is no collection to open: give folders, or names of datasets on the Hub.")
    places = [name if (folder := folder_of(name)) is None else folder.resolve() for name in given]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise CollectionError("{name} is given twice: its works would be listed twice.", name=given[number])
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        opening = {name: pool.submit(open_collection, name, verify=verify) for name in given}
    errors = {name: error for name, future in opening.items() if (error := future.exception()) is not None}
    if len(errors) == len(given):
        raise one_error("No collection can be opened.", errors)
    opened = {name: future.result() for name, future in opening.items() if name not in errors}
    _load_encoders(list(opened.values()))
    return Federation(opened, [LeftOut(name, reason_of(error)) for name, error in errors.items()])


def _load_encoders(collections: Sequence[Collection]) -> None:
    for collection in collections:
        collection.encoders.share(collections[0].encoders)
        collection.query_embedding.share(collections[0].query_embedding)
        for space in collection.state.spaces:
            try:
                collection.encoder(space.name)
            except EncoderError as error:  # each search that needs it says so; words are found without
                log.warning("%s: %s", collection.manifest.title, error)
