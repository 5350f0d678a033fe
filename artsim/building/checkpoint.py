"""The part files of a build, beside the collection to be: finished batches of works with their vectors, and how far it came.

A killed build goes on from them; once the collection is written they are removed.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artsim.errors import CollectionError
from artsim.snapshot.state import metadata_table
from artsim.storage.shards import Shards, beside, portions, vector_column, write_atomically, writing

log = logging.getLogger(__name__)


@dataclass
class BuildProgress:
    """How far a build came: `progress.json` among the part files, written after each."""

    fingerprint: str
    consumed: int = 0
    """Works read from the source, those that failed included."""
    parts: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Id -> why its picture could not be used."""


@dataclass(frozen=True)
class Checkpoint:
    """The part files in `folder`; each has the columns of `schema`."""

    folder: Path
    schema: pa.Schema

    def state(self, fingerprint: str, *, limit: int | None) -> BuildProgress:
        """How far the last run came, or a fresh start when it was of another source or encoder, or went beyond `limit`."""
        try:
            state = BuildProgress(**json.loads((self.folder / "progress.json").read_text(encoding="utf-8")))
            whole = not state.parts or len(self.shards(state)) == state.consumed - len(state.failed)
            if whole and state.fingerprint == fingerprint and (limit is None or state.consumed <= limit):
                log.info("Going on after %d works that are done already.", state.consumed)
                return state
        except (FileNotFoundError, ValueError, TypeError, CollectionError) as error:
            log.debug("There is nothing to go on from: %s", error)
        with writing(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        return BuildProgress(fingerprint)

    def write(
        self,
        state: BuildProgress,
        rows: Sequence[Mapping[str, Any]],
        pictures: Sequence[bytes],
        vectors: Mapping[str, np.ndarray],
    ) -> None:
        """Metadata rows, pictures and columns of vectors (n, d), row i for work i; `state` counts the new part files."""
        from datasets import Features

        features = Features.from_arrow_schema(self.schema)
        names = [name for name in self.schema.names if name not in vectors and name != "image"]
        everything = metadata_table(rows, {name: features[name] for name in names})
        for portion in portions([len(data) for data in pictures]):
            table = everything.slice(portion.start, len(portion))
            files = [{"bytes": pictures[row], "path": Path(rows[row]["id"]).name} for row in portion]
            table = table.append_column("image", pa.array(files, self.schema.field("image").type))
            for name, block in vectors.items():
                table = table.append_column(name, vector_column(block[portion.start : portion.stop]))
            with writing(self.folder):
                temporary = self.folder / "part.tmp"
                pq.write_table(table.select(self.schema.names).cast(self.schema), temporary)
                temporary.replace(self._path(state.parts))
            state.parts += 1

    def save_state(self, state: BuildProgress) -> None:
        write_atomically(self.folder / "progress.json", json.dumps(dataclasses.asdict(state)))

    def shards(self, state: BuildProgress) -> Shards:
        return Shards([self._path(number) for number in range(state.parts)])

    def ids(self, state: BuildProgress) -> set[str]:
        """The ids of all works so far, those that failed included."""
        done = self.shards(state).columns(["id"]).column("id").to_pylist() if state.parts else []
        return {*done, *state.failed}

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}.parquet"


@contextmanager
def build_lock(out: Path) -> Iterator[None]:
    """`CollectionError` when another process builds into `out` now. The lock goes with the process, however it ends."""
    from filelock import FileLock, Timeout

    path = beside(out, "lock")
    with writing(out):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise CollectionError(f"Another process is building {out} now; wait until it is done.") from error
    try:
        yield
    finally:
        lock.release()
        path.unlink(missing_ok=True)
