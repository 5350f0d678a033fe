"""Checkpoint of a build: finished batches of works with their vectors, and the progress, in a folder beside the collection.

A killed build resumes from it. It is removed once the collection is written.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from artsim.embedding.embedded_works import EmbeddedWorks
from artsim.embedding.vector_columns import columns_of
from artsim.errors import CollectionError
from artsim.files.atomic import replacing_file, write_atomically, writing
from artsim.snapshot.state import metadata_table
from artsim.storage.shards import Shards, metadata_features, whole_rows

log = logging.getLogger(__name__)


class BuildProgress(BaseModel):
    """The progress of a build, written to `progress.json` after each batch."""

    fingerprint: str
    consumed: int = 0
    """Works read from the source, including those that failed."""
    parts: int = 0
    failed: dict[str, str] = {}
    """Id -> why its picture cannot be used."""


@dataclass(frozen=True)
class BuildCheckpoint:
    """The part files in `folder`, each with the columns of `schema`."""

    folder: Path
    schema: pa.Schema

    def resume(self, fingerprint: str, *, limit: int | None) -> BuildProgress:
        """The progress of the last run; from scratch if that was of another source or encoder, or went beyond `limit`."""
        try:
            progress = BuildProgress.model_validate_json((self.folder / "progress.json").read_bytes())
            complete = not progress.parts or len(self.shards(progress)) == progress.consumed - len(progress.failed)
            if complete and progress.fingerprint == fingerprint and (limit is None or progress.consumed <= limit):
                log.info("Going on after %d works that are done already.", progress.consumed)
                return progress
        except (FileNotFoundError, ValueError, CollectionError) as error:
            log.debug("No usable checkpoint: %s", error)
        with writing(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        return BuildProgress(fingerprint=fingerprint)

    def write(self, progress: BuildProgress, new: EmbeddedWorks) -> None:
        """Write works with their pictures and vectors; `progress` counts the new part files."""
        vectors = columns_of(new.vectors)
        rows = [{**work, "sha256": sha} for work, sha in zip(new.works, new.hashes, strict=True)]
        metadata = metadata_table(rows, metadata_features(self.schema, vectors))
        for table in whole_rows(metadata, [read() for read in new.files], vectors):
            with replacing_file(self._path(progress.parts)) as file:
                pq.write_table(table.select(self.schema.names).cast(self.schema), file)
            progress.parts += 1

    def save(self, progress: BuildProgress) -> None:
        write_atomically(self.folder / "progress.json", progress.model_dump_json())

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
