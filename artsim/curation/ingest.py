"""Ingest: read uploaded pictures, check them for duplicates, embed them, and add them to a collection.

One `Ingest` handles one lot of files. It runs in its own thread, a few pictures at a time, while the collection is
searched and further files arrive. A file that is not a picture, is damaged, or is in the collection already never stops
it: the file is left out and reported, and `include` adds duplicates anyway.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from artsim.collection import Collection
from artsim.curation.duplicate_check import ExistingWork, NewPicture, new_picture_like, work_like, work_of_file
from artsim.curation.ingest_state import IngestState, Outcome, PendingWorks, Phase, UploadedFile, UploadReport
from artsim.embedding.decoded_works import DecodedWork, decode_side, decode_work
from artsim.embedding.embed_works import embed_works
from artsim.embedding.embedded_works import EmbeddedWorks, concat
from artsim.encoders.protocol import Encoder
from artsim.errors import ArtsimError, ImageError
from artsim.images.decode import read_file

log = logging.getLogger(__name__)

BATCH = 8  # pictures that are embedded together
_ADDED_TOGETHER = 32  # works to add at once, at least, unless no more files follow
_PAUSE = 10  # between additions, in durations of the last one: adding copies all vectors
_TIMEOUT = 600.0  # seconds without a new file, after which the rest counts as lost


class Ingest:
    """Adds works to `collection`; with `begin`, to a new one that it creates from its first works, with the same encoders.

    `details` returns the metadata of a file, and messages about it. `finish` is called at the end with the collection and
    the ids of the works to save, if there are any; what it raises becomes the failure of the ingest. Thread-safe.
    """

    def __init__(
        self,
        collection: Collection,
        *,
        finish: Callable[[Collection, Sequence[str]], None],
        details: Callable[[UploadedFile], tuple[Mapping[str, Any], Sequence[str]]],
        begin: Callable[[EmbeddedWorks], Collection] | None = None,
    ) -> None:
        self._like, self._begin, self._finish, self._details = collection, begin, finish, details
        self.collection: Collection | None = None if begin else collection
        """The collection that works are added to; None until a new one has its first works."""
        self._state = IngestState()
        self._waiting: deque[UploadedFile] = deque()
        self._kept: dict[int, tuple[UploadedFile, UploadReport]] = {}  # duplicates, which may be added anyway
        self._reports: dict[int, UploadReport] = {}
        self._notes: dict[str, None] = {}
        self._unsaved: list[str] = []
        self._complete = self._cancelled = False
        self._last_cost = 0.0  # seconds
        self._started = self._last_added = time.monotonic()
        self._news = threading.Condition()
        self._pending = PendingWorks()
        self._thread = self._run()

    # --- Called by the sender -----------------------------------------------------------------------------------------

    def expect(self, count: int) -> None:
        """Register that `count` more files will be received or refused."""
        with self._news:
            self._state.total += count

    def receive(self, name: str, path: Path) -> None:
        """Register a received file. `path` must exist until the ingest is over."""
        with self._news:
            self._count_received()
            self._waiting.append(UploadedFile(self._state.received, name, path))
            self._news.notify_all()

    def refuse(self, name: str, reason: str) -> None:
        """Report a file that could not be received as broken."""
        with self._news:
            self._count_received()
            self._state.done += 1
            self._reports[self._state.received] = UploadReport(self._state.received, name, "broken", reason)

    def _count_received(self) -> None:
        self._state.received += 1
        self._state.total = max(self._state.total, self._state.received)  # if it was not expected

    def note(self, message: str) -> None:
        with self._news:
            self._notes[message] = None

    def complete(self) -> None:
        """Declare that no more files follow."""
        with self._news:
            self._complete, self._state.total = True, self._state.received
            self._news.notify_all()

    def cancel(self) -> None:
        """Stop the ingest: works that are embedded stay, the rest is left out."""
        with self._news:
            self._cancelled = self._complete = True
            self._drop_waiting()
            self._news.notify_all()

    def include(self, numbers: Sequence[int]) -> None:
        """Add duplicates anyway, by the numbers in their reports."""
        with self._news:
            chosen = [n for n in dict.fromkeys(numbers) if n in self._kept and self._reports.get(n) is self._kept[n][1]]
            for number in chosen:
                self._waiting.append(replace(self._kept[number][0], anyway=True))
                del self._reports[number]
                self._state.done -= 1
            over = self.over
            if chosen and over:
                self._cancelled, self._state.phase = False, "receiving"
        if chosen and over:
            self._thread = self._run()

    @property
    def over(self) -> bool:
        """Whether the ingest has ended."""
        return self._state.phase in ("done", "cancelled", "failed")

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the thread has ended."""
        self._thread.join(seconds)

    def state(self) -> IngestState:
        with self._news:
            state, spent = self._state, time.monotonic() - self._started
            left = None if self.over or not state.done else spent / state.done * (state.total - state.done)
            return replace(state, seconds_left=left, reports=tuple(self._reports.values()), notes=tuple(self._notes))

    # --- Run by the thread --------------------------------------------------------------------------------------------

    def _run(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="ingest", daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        try:
            while not self.over:
                self._add_received()
                if self._unsaved and self.collection is not None:
                    self._state.phase = "saving"
                    self._finish(self.collection, self._unsaved)
                    self._unsaved = []
                with self._news:
                    if self._waiting:  # duplicates that were included while the save ran
                        self._state.phase = "receiving"
                    else:
                        self._end("cancelled" if self._cancelled else "done")
        except ArtsimError as error:
            self._end("failed", error.message)
        except Exception as error:
            log.exception("Adding works failed.")
            self._end("failed", type(error).__name__)

    def _add_received(self) -> None:
        """Add the files as they are received, until no more follow."""
        while (batch := self._next()) is not None:
            if batch:
                self._take(batch)
            if len(self._pending) and (self._is_due() or not batch):
                self._add()
        if len(self._pending):
            self._add()

    def _end(self, phase: Phase, failure: str = "") -> None:
        with self._news:
            self._state.now, self._state.failure, self._state.phase = (), failure, phase
            if failure:
                self._drop_waiting()

    def _drop_waiting(self) -> None:
        """Take no more of the received files; duplicates among them are offered again."""
        for upload in self._waiting:
            if upload.anyway:
                self._reports[upload.number] = self._kept[upload.number][1]
                self._state.done += 1
        self._waiting.clear()

    def _next(self) -> list[UploadedFile] | None:
        """The next few files; None if no more follow; an empty list if the sender is slow and works are pending."""
        with self._news:
            deadline = time.monotonic() + _TIMEOUT
            while not self._waiting and not self._complete:
                if time.monotonic() > deadline:
                    self._complete, self._state.total = True, self._state.received
                elif not self._news.wait(1.0) and len(self._pending):
                    return []
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if batch and self._state.phase == "receiving":
                self._state.phase, self._started = "adding", time.monotonic()
            self._state.now = tuple(upload.name for upload in batch)
            return batch or None

    def _is_due(self) -> bool:
        waited = time.monotonic() - self._last_added
        return self.collection is None or (len(self._pending) >= _ADDED_TOGETHER and waited >= _PAUSE * self._last_cost)

    def _take(self, batch: Sequence[UploadedFile]) -> None:
        """Read, compare and embed a few files."""
        opened = [(upload, decoded) for upload in batch if (decoded := self._decode(upload)) is not None]
        if not opened:
            return
        target = self.collection or self._like
        spaces = target.state.spaces
        regions = {space.name for space in spaces if space.regions is not None} if self.collection else ()
        works, recogniser = [decoded for _, decoded in opened], target.recogniser()
        embedded = embed_works(works, _encoders(target), regions=regions, recogniser=recogniser)
        subjects = embedded.vectors[spaces[0].name].blocks["subject"]
        codes = [None] * len(opened) if embedded.recognition is None else embedded.recognition.codes
        new: dict[int, dict[str, Any]] = {}
        for row, (upload, decoded) in enumerate(opened):
            picture = NewPicture(upload.path, upload.name, subjects[row], codes[row])
            if (columns := self._admit(upload, decoded, picture)) is not None:
                new[row] = columns
        if new:
            self._pending.batches.append(replace(embedded.only(list(new)), works=tuple(new.values())))
        with self._news:
            self._state.done += len(opened)

    def _decode(self, upload: UploadedFile) -> DecodedWork | None:
        """Decode a file; None, with a report, if it is not a picture, or is in the collection already."""
        read = partial(read_file, upload.path, name=upload.name)
        try:
            data = read()
            sha = hashlib.sha256(data).hexdigest()
            same = self._same_file(sha)
            if same is not None and not upload.anyway:
                self._report(_duplicate(upload, same), upload, done=1)
                return None
            recognition = (self.collection or self._like).state.recognition is not None
            side = decode_side(_encoders(self._like).values(), recognition=recognition)
            preprocessing = self._like.state.spaces[0].preprocessing
            return decode_work({}, data, side=side, name=upload.name, preprocessing=preprocessing, read=read)
        except ImageError as error:
            self._report(UploadReport(upload.number, upload.name, "broken", reason=error.message), done=1)
            return None

    def _same_file(self, sha: str) -> ExistingWork | None:
        """The work with the same bytes, else None."""
        existing = work_of_file(self.collection.state, sha) if self.collection is not None else None
        pending = self._pending.files.get(sha)
        return existing or (None if pending is None else ExistingWork(pending, "same file"))

    def _admit(self, upload: UploadedFile, decoded: DecodedWork, new: NewPicture) -> dict[str, Any] | None:
        """The columns of a new work; None, with a report, if an existing one shows the same work."""
        if not upload.anyway:
            same = self._same_file(decoded.sha256) or self._same_work(new)  # the file may be in the same batch
            if same is not None:
                self._report(_duplicate(upload, same), upload)
                return None
        values, notes = self._details(upload)
        for note in notes:
            self.note(note)
        identity = self._free_id(str(values.get("id") or upload.name))
        self._pending.new_pictures[identity] = new
        self._pending.files.setdefault(decoded.sha256, identity)
        return {**values, "id": identity}

    def _same_work(self, new: NewPicture) -> ExistingWork | None:
        same = new_picture_like(new, self._pending.new_pictures)
        if same is None and self.collection is not None:
            same = work_like(new, self.collection.state, self.collection.known_features)
        return same

    def _free_id(self, wanted: str) -> str:
        """An unused id: `wanted`, numbered if necessary."""
        added = self.collection.state.rows if self.collection is not None else {}
        identity, number = wanted, 1
        while identity in added or identity in self._pending.new_pictures:
            identity, number = f"{wanted}-{number}", number + 1
        return identity

    def _add(self) -> None:
        """Add the pending works to the collection."""
        started = time.monotonic()
        new = concat(self._pending.batches)
        if self.collection is None:
            assert self._begin is not None
            self.collection = self._begin(new)
            ids = self.collection.ids
        else:
            ids = self.collection.add(new)
        self._state.added += len(ids)
        self._unsaved += ids
        self._pending = PendingWorks()
        self._last_added = time.monotonic()
        self._last_cost = self._last_added - started

    def _report(self, report: UploadReport, upload: UploadedFile | None = None, *, done: int = 0) -> None:
        """Store the report of a file; `done`: the number of files that this finishes."""
        with self._news:
            self._state.done += done
            self._reports[report.number] = report
            if upload is not None:
                self._kept[report.number] = upload, report


def _duplicate(upload: UploadedFile, same: ExistingWork) -> UploadReport:
    outcome: Outcome = "same-file" if same.relation == "same file" else "same-work"
    return UploadReport(upload.number, upload.name, outcome, work=same.id, relation=same.relation)


def _encoders(collection: Collection) -> dict[str, Encoder]:
    """By the name of their space."""
    return {space.name: collection.encoder(space.name) for space in collection.state.spaces}
