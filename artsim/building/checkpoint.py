"""Checkpoint of a build: finished batches of works with their vectors, and the progress, in a folder beside the collection.

A killed build resumes from it. It is removed once the collection is written.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artsim.errors import CollectionError
from artsim.files.atomic import write_atomically, writing
from artsim.snapshot.state import metadata_table
from artsim.storage.shards import Shards, portions, vector_column

log = logging.getLogger(__name__)


@dataclass
class BuildProgress:
    """The progress of a build, written to `progress.json` after each batch."""

    fingerprint: str
    consumed: int = 0
    """Works read from the source, including those that failed."""
    parts: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Id -> why its picture cannot be used."""


@dataclass(frozen=True)
class BuildCheckpoint:
    """The part files in `folder`, each with the columns of `schema`."""

    folder: Path
    schema: pa.Schema

    def resume(self, fingerprint: str, *, limit: int | None) -> BuildProgress:
        """The progress of the last run; from scratch if that was of another source or encoder, or went beyond `limit`."""
        try:
            progress = BuildProgress(**json.loads((self.folder / "progress.json").read_text(encoding="utf-8")))
            complete = not progress.parts or len(self.shards(progress)) == progress.consumed - len(progress.failed)
            if complete and progress.fingerprint == fingerprint and (limit is None or progress.consumed <= limit):
                log.info("Going on after %d works that are done already.", progress.consumed)
                return progress
        except (FileNotFoundError, ValueError, TypeError, CollectionError) as error:
            log.debug("No usable checkpoint: %s", error)
        with writing(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        return BuildProgress(fingerprint)

    def write(
        self,
        progress: BuildProgress,
        rows: Sequence[Mapping[str, Any]],
        pictures: Sequence[bytes],
        vectors: Mapping[str, np.ndarray],
    ) -> None:
        """Write metadata rows, pictures and vector columns (n, d), row i for work i; `progress` counts the new part files."""
        from datasets import Features

        features = Features.from_arrow_schema(self.schema)
        names = [name for name in self.schema.names if name not in vectors and name != "image"]
        metadata = metadata_table(rows, {name: features[name] for name in names})
        for portion in portions([len(data) for data in pictures]):
            table = metadata.slice(portion.start, len(portion))
            files = [{"bytes": pictures[row], "path": Path(rows[row]["id"]).name} for row in portion]
            table = table.append_column("image", pa.array(files, self.schema.field("image").type))
            for name, block in vectors.items():
                table = table.append_column(name, vector_column(block[portion.start : portion.stop]))
            with writing(self.folder):
                temporary = self.folder / "part.tmp"
                pq.write_table(table.select(self.schema.names).cast(self.schema), temporary)
                temporary.replace(self._path(progress.parts))
            progress.parts += 1

    def save(self, progress: BuildProgress) -> None:
        write_atomically(self.folder / "progress.json", json.dumps(dataclasses.asdict(progress)))

    def shards(self, progress: BuildProgress) -> Shards:
        return Shards([self._path(number) for number in range(progress.parts)])

    def ids(self, progress: BuildProgress) -> set[str]:
        """The ids of all works so far, including those that failed."""
        done = self.shards(progress).columns(["id"]).column("id").to_pylist() if progress.parts else []
        return {*done, *progress.failed}

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}.parquet"
