"""Edit session of a running app: add, edit, remove, undo, save and publish works.

Searches see changes at once. Changes are saved automatically: those of an ingest when it ends, others some time after the
last one. Until then they can be undone. A collection that must not be written to is saved as a copy in the library.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from artsim.collection import Collection
from artsim.columns import kind_of, read_value
from artsim.curation.ingest import Ingest
from artsim.curation.ingest_state import UploadedFile
from artsim.curation.library import Library, is_writable
from artsim.curation.new_collection import begin_collection, own_columns
from artsim.curation.uploads import UploadFolder, UploadMetadata
from artsim.dates import YEAR_FROM, YEAR_TO
from artsim.embedding.embedded_works import EmbeddedWorks
from artsim.embedding.vector_columns import reserved_columns
from artsim.errors import ArtsimError, CollectionError, QueryError
from artsim.hub.publish import publish
from artsim.web.hub_token import using_token

log = logging.getLogger(__name__)

SAVED_AFTER = 30.0  # seconds after the last change

Verb = Literal["added", "edited", "removed", "described"]


@dataclass(frozen=True)
class Change:
    """An unsaved change to the works with these ids."""

    verb: Verb
    works: tuple[str, ...]
    undo: Callable[[], object]


@dataclass(frozen=True)
class Publication:
    """One run of publishing."""

    repo_id: str
    sent: int = 0
    total: int = 0
    """Bytes."""
    url: str = ""
    """Address of the published collection; empty until publishing is done."""
    failure: str = ""

    @property
    def over(self) -> bool:
        return bool(self.url or self.failure)


class EditSession:
    """`collection` is open, `requested` is what the app was started with, `own` its name in the library, if it has one."""

    def __init__(
        self, collection: Collection, library: Library, cache: Path, *, requested: str | None, own: str | None = None
    ) -> None:
        self.collection, self.library, self.requested, self.own = collection, library, requested, own
        self.ingest: Ingest | None = None
        self.upload_folder: UploadFolder | None = None
        """The files of the last ingest."""
        self.publication: Publication | None = None
        self.problem: str = ""
        """Why the last save failed."""
        self.begun: str | None = None
        """The name of the new collection that the last ingest created."""
        self._cache = cache
        self._changes: list[Change] = []
        self._due: float | None = None
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()
        self._disk = threading.Lock()  # held while saving or publishing

    # --- Where changes are saved --------------------------------------------------------------------------------------

    @property
    def is_copied(self) -> bool:
        """Whether the first change makes a copy in the library, because the open collection must not be written to."""
        collection = self.collection
        if self.own is not None:
            return False
        kept_by_artsim = self.requested is None or collection.origin is not None or collection.folder is None
        return kept_by_artsim or not is_writable(collection.folder)  # type: ignore[arg-type]

    @property
    def unsaved(self) -> tuple[Change, ...]:
        return tuple(self._changes)

    @property
    def saved_in(self) -> float | None:
        """Seconds until changes are saved automatically; None without changes."""
        due = self._due
        return None if due is None else max(0.0, due - time.monotonic())

    # --- Changes ------------------------------------------------------------------------------------------------------

    def edit(self, identity: str, texts: Mapping[str, str]) -> None:
        """Change metadata of a work, given as text. Raises `QueryError` if a value does not fit its column."""
        schema = self.collection.state.table.schema
        unknown = [name for name in texts if name not in schema.names]
        if unknown:
            raise QueryError("This collection has no column {unknown}.", unknown=unknown)
        values = {name: read_value(text, schema.field(name).type, name) for name, text in texts.items()}
        before = self.collection.work(identity)
        changed = {name: value for name, value in values.items() if value != before[name]}
        if changed:
            self.collection.edit(identity, changed)
            old = {name: before[name] for name in changed}
            self._changed(Change("edited", (identity,), lambda: self.collection.edit(identity, old)))

    def remove(self, ids: Sequence[str]) -> None:
        """Remove works. Raises `QueryError` if one does not exist, `CollectionError` if none would remain."""
        ids = tuple(dict.fromkeys(ids))
        if ids:
            taken = self.collection.remove(ids)
            self._changed(Change("removed", ids, lambda: self.collection.add(taken)))

    def describe(self, **fields: str) -> None:
        """Change the title, license, description or homepage of the collection."""
        manifest = self.collection.manifest
        before = {"title": manifest.title, "license": manifest.license}
        before |= {name: manifest.source.get(name, "") for name in ("description", "homepage")}
        self.collection.describe(**fields)
        self._changed(Change("described", (), lambda: self.collection.describe(**before)))

    def undo(self) -> None:
        """Undo the last change. Raises `QueryError` if everything is saved, or is being saved."""
        if not self._disk.acquire(blocking=False):
            raise QueryError("The collection is being saved or published just now; try again in a moment.")
        try:
            with self._lock:
                if not self._changes:
                    raise QueryError("There is nothing to undo: all changes are saved.")
                self._changes[-1].undo()
                self._changes.pop()
                self._schedule_save(bool(self._changes))
        finally:
            self._disk.release()

    def _changed(self, change: Change) -> None:
        with self._lock:
            self._changes.append(change)
            self._schedule_save(True)

    def _schedule_save(self, wanted: bool) -> None:
        """Schedule a save if `wanted`, else cancel the scheduled one."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due = None, None
        if wanted:
            self._due = time.monotonic() + SAVED_AFTER
            self._timer = threading.Timer(SAVED_AFTER, self._save_automatically)
            self._timer.daemon = True
            self._timer.start()

    # --- Saving -------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save the changes. Raises `CollectionError` if the collection cannot be written: they stay unsaved."""
        with self._disk:
            self._save()

    def _save(self) -> None:
        with self._lock:
            self._schedule_save(False)
            saved = len(self._changes)
        try:
            if self.is_copied:
                name = self.library.free_name(self.collection.manifest.title)
                self.collection.save(self.library.folder(name))
                self.library.open(self.requested, name)
                self.own = name
                log.info("Changes are saved in %s, which is opened from now on.", self.collection.folder)
            else:
                self.collection.save()
            with self._lock:
                self.problem = ""
                del self._changes[:saved]
        except ArtsimError as error:
            self.problem = error.message
            raise
        finally:  # what is not saved is tried again
            with self._lock:
                self._schedule_save(bool(self._changes))

    def _save_automatically(self) -> None:
        known = self.problem
        try:
            self.save()
        except ArtsimError as error:
            if error.message != known:
                log.warning("The changes are not saved; the next attempt is in %.0f seconds: %s", SAVED_AFTER, error)

    def close(self) -> None:
        """Cancel a running ingest and save unsaved changes, when the app stops."""
        if self.ingest is not None and not self.ingest.over:
            self.ingest.cancel()
            self.ingest.wait()
        if self._changes:
            self._save_automatically()
        self._schedule_save(False)
        if self.upload_folder is not None:
            self.upload_folder.remove()

    # --- Adding -------------------------------------------------------------------------------------------------------

    def begin_ingest(self, *, title: str | None = None) -> None:
        """Start to ingest files, to be announced and placed in `upload_folder`; with a `title`, into a new collection.

        Raises `CollectionError` if another ingest is running, or the collection stores no pictures.
        """
        if any(change.verb == "added" for change in self._changes):  # their files are removed below
            self.save()
        with self._lock:
            if self.ingest is not None and not self.ingest.over:
                raise CollectionError("Other pictures are being added; wait for them, or cancel that first.")
            if title is not None and not title.strip():
                raise QueryError("A collection needs a title.")
            if title is None and not self.collection.manifest.embeds_pictures:
                raise CollectionError(
                    "This collection holds no pictures, only their addresses: works cannot be added to it here."
                )
            if self.upload_folder is not None:
                self.upload_folder.remove()
            upload_folder = self.upload_folder = UploadFolder(self._cache)
            self.begun = None
            self.ingest = self._new_ingest(upload_folder, title)

    def _new_ingest(self, upload_folder: UploadFolder, title: str | None) -> Ingest:
        columns: dict[str, Any] = {}
        metadata: list[UploadMetadata] = []

        def details(upload: UploadedFile) -> tuple[Mapping[str, Any], Sequence[str]]:
            """Tables are read with the first picture, as they are sent before the pictures."""
            problems: Sequence[str] = ()
            if not metadata:
                records, features, problems = upload_folder.records()
                if title is not None:
                    taken = reserved_columns(space.name for space in self.collection.state.spaces)
                    columns.update(own_columns(features, taken))
                metadata.append(UploadMetadata(records, columns or self.collection.state.schema))
            values, notes = metadata[0].of(upload.name)
            return values, [*problems, *notes]

        def begin(first: EmbeddedWorks) -> Collection:
            return begin_collection(first, self.collection, title=(title or "").strip(), columns=columns)

        return Ingest(
            self.collection,
            finish=self._finish_new if title is not None else self._finish,
            begin=begin if title is not None else None,
            details=details,
        )

    def _finish(self, collection: Collection, ids: Sequence[str]) -> None:
        try:
            self.save()
        except ArtsimError:
            with self._lock:
                known = {work for change in self._changes if change.verb == "added" for work in change.works}
                new = tuple(work for work in ids if work not in known)  # else an earlier attempt failed, too
                if new:
                    self._changed(Change("added", new, lambda: collection.remove(new)))
            raise

    def _finish_new(self, collection: Collection, ids: Sequence[str]) -> None:
        with self._disk:
            name = self.begun or self.library.free_name(collection.manifest.title)
            collection.save(self.library.folder(name))
            self.begun = name

    # --- Publishing ---------------------------------------------------------------------------------------------------

    def publish(self, repo_id: str, *, private: bool, license: str, token: str | None = None) -> None:
        """Save, then publish in the background; `publication` shows the progress. The token is not stored."""
        with self._lock:
            if self.publication is not None and not self.publication.over:
                raise CollectionError("{repo} is being published; wait for that first.", repo=self.publication.repo_id)
            self.publication = Publication(repo_id)
        if license != self.collection.manifest.license:
            self.describe(license=license)
        threading.Thread(
            target=self._publish, args=(repo_id, private, token or None), name="publishing", daemon=True
        ).start()

    def _publish(self, repo_id: str, private: bool, token: str | None) -> None:
        def sent(done: int, total: int) -> None:
            self.publication = Publication(repo_id, done, total)

        try:
            with self._disk:
                if self._changes:
                    self._save()
                folder = self.collection.folder
                if folder is None:
                    raise CollectionError("This collection was never saved.")
                with using_token(token):
                    pushed = publish(folder, repo_id, private=private, progress=sent)
            done = self.publication.total if self.publication else 0
            self.publication = Publication(repo_id, done, done, url=pushed.url)
        except ArtsimError as error:
            self.publication = Publication(repo_id, failure=error.message)
        except Exception as error:
            log.exception("Publishing failed.")
            self.publication = Publication(repo_id, failure=type(error).__name__)


def editable_columns(collection: Collection) -> list[str]:
    """The columns that can be edited as text, in the order of the collection. The years of a work follow its date."""
    schema, fixed = collection.state.table.schema, ("id", "sha256", YEAR_FROM, YEAR_TO)
    return [field.name for field in schema if field.name not in fixed and kind_of(field.type) is not None]
