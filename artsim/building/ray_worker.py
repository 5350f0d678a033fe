"""The worker of a build on Ray: an actor that holds the encoders and embeds span after span into shards."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from artsim.building.preparation import Build, BuildOptions, open_old, prepare_build, works_of
from artsim.building.shards import write_shard
from artsim.building.spans import Span
from artsim.embedding.vector_columns import name_spaces
from artsim.encoders import load_encoder
from artsim.errors import ArtsimError, CollectionError, ImageError
from artsim.sources import Source, Work, read_picture
from artsim.version import VERSION

ReadWork = tuple[Work, bytes | ImageError]
"""The columns of a work, and its picture file or why there is none."""


@dataclass(frozen=True)
class EncoderName:
    """What loads an encoder in another process."""

    id: str
    revision: str
    precision: str


@dataclass(frozen=True)
class Job:
    """All that a worker has to know of a build; plain data."""

    source: Source
    """If `reopen` is None: all but its works, which come with the spans."""
    reopen: Callable[[], Source] | None
    encoders: Sequence[EncoderName]
    device: str | None
    batch_size: int | None
    options: BuildOptions
    out: Path
    """The folder of the collection."""
    fingerprint: str
    batch: int
    """Works between two writes."""
    threads: int
    folder: Path
    """The working folder of the caller, for relative paths."""
    version: str = VERSION


class ShardWorker:
    """Embeds spans of one build. What it needs for that is loaded with the first one."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._build: Build | None = None

    def embed(self, span: Span, works: Sequence[ReadWork] | None = None) -> int:
        """Write the shard of a span; returns how many works the source has there. `works`: those that another has read.

        Raises `ArtsimError`.
        """
        self._build = build = self._build or open_build(self._job)
        given = works_of(build.source, span.first, span.last) if works is None else _as_works(works)
        return write_shard(build, span, given, batch=self._job.batch, workers=self._job.threads)


def open_build(job: Job) -> Build:
    """The build of `job` in this process. `CollectionError` if this machine sees anything else than the caller's."""
    if job.version != VERSION:
        raise _differs(f"artsim {VERSION} in place of {job.version}", "Install the same version on every machine.")
    if job.folder.is_dir():
        os.chdir(job.folder)
    source = job.source if job.reopen is None else job.reopen()
    if source.fingerprint != job.source.fingerprint:
        raise _differs(f"other files at {source.name}", "Give an address that leads to the same ones on every machine.")
    encoders = name_spaces(
        [
            load_encoder(
                name.id,
                revision=name.revision,
                device=job.device,
                batch_size=job.batch_size,
                precision="bf16" if name.precision == "bf16" else "float32",
            )
            for name in job.encoders
        ]
    )
    build = prepare_build(source, encoders, job.out, open_old(job.out), job.options)
    if build.fingerprint != job.fingerprint:
        raise _differs(
            f"other encoders, or another collection in {job.out}",
            "Install the same packages and models on every machine.",
        )
    return build


def read_works(works: Iterator[Work]) -> Iterator[ReadWork]:
    """Works with their pictures, to be sent to a worker."""
    for work in works:
        columns = {name: value for name, value in work.items() if name != "image"}
        try:
            yield columns, read_picture(work)
        except ImageError as error:
            yield columns, ImageError(str(error))


def _as_works(works: Sequence[ReadWork]) -> Iterator[Work]:
    return ({**columns, "image": {"read": partial(_picture, picture)}} for columns, picture in works)


def _picture(picture: bytes | ImageError) -> bytes:
    if isinstance(picture, ImageError):
        raise picture
    return picture


def _differs(what: str, advice: str) -> ArtsimError:
    return CollectionError(f"The worker on {socket.gethostname()} sees {what}. {advice}")
