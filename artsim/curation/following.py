"""Follows a collection that another process saves: what is new in its folder replaces what is searched here, without a restart.

One process has the owner's tools (`EditSession`), any number of others serve the same folder to visitors.
"""

from __future__ import annotations

import logging
import threading

from artsim.collection import Collection
from artsim.errors import CollectionError
from artsim.snapshot.files import read_collection
from artsim.snapshot.generations import pointer_of
from artsim.snapshot.state import State, with_first

log = logging.getLogger(__name__)

_EVERY = 2.0  # seconds between two looks at the manifest
_AFTER_FAILURE = 30.0


class FolderFollower:
    """Follows the folder of `collection`, which nobody changes in this process.

    Running searches keep the state that they started with.
    """

    def __init__(self, collection: Collection, *, every: float = _EVERY) -> None:
        self._collection, self._every = collection, every
        self._passed_over: str | None = None
        """The pointer of what was found, and cannot be taken over."""
        self._over = threading.Event()

    def start(self) -> None:
        """Look now and then, in a background thread, until `stop`."""
        threading.Thread(target=self._keep_looking, name="following", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def look(self) -> bool:
        """Take over what was saved since. Returns whether something was. Raises `CollectionError` if it cannot be opened."""
        collection = self._collection
        folder, stored = collection.folder, collection.state.stored
        if folder is None or stored is None:
            return False
        pointer = pointer_of(folder)
        if pointer in (None, stored.pointer, self._passed_over):
            return False
        state, manifest = read_collection(folder)
        if _made_with(state) != _made_with(collection.state):
            self._passed_over = pointer
            log.warning(
                "%s was built again, with other encoders. Its older contents are served until this app is restarted.",
                folder,
            )
            return False
        collection.state = state if collection.preferred is None else with_first(state, [collection.preferred])
        collection.manifest = manifest
        collection.label_indexes.follow(state.table)
        log.info("%s was saved by another process: %s works are served now.", folder, f"{len(state):,}")
        return True

    def _keep_looking(self) -> None:
        pause, told = self._every, ""
        while not self._over.wait(pause):
            try:
                self.look()
            except CollectionError as error:  # as while files are copied there
                pause = _AFTER_FAILURE
                if error.message != told:
                    log.warning("%s The contents that were opened before are served.", error)
                told = error.message
            except Exception:
                pause = _AFTER_FAILURE
                log.exception("What another process has saved cannot be taken over.")
            else:
                pause, told = self._every, ""


def _made_with(state: State) -> set[tuple[str, str, str, str]]:
    """What the loaded encoders and the fields of the page belong to."""
    return {(space.name, space.encoder, space.revision, space.precision) for space in state.spaces}
