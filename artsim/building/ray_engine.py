"""Embedding on Ray: workers of a cluster, each with its own encoders, embed spans of works into the checkpoint of a build.

Plain actors, not Ray Data: a work of the Hub is named by its row, and blocks of Ray Data do not know their rows; a block that is
tried again is written again; and all kinds of sources would need a second reader. A shard has its rows in its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artsim.building.checkpoint import BuildProgress
from artsim.building.preparation import Build
from artsim.building.ray_cluster import check_ray, connected
from artsim.building.ray_run import RayRun
from artsim.building.ray_worker import EncoderName, Job, ShardWorker
from artsim.building.shards import finished_spans
from artsim.building.spans import plan, shard_size
from artsim.encoders import precision_of
from artsim.errors import CollectionError
from artsim.files.atomic import make_folders, writing
from artsim.messages.progress import Progress
from artsim.sources import Work

_MOST_THREADS = 8  # of a worker with a GPU, if nobody says how many


@dataclass(frozen=True)
class RayEngine:
    """Embeds the works of a build on Ray. Each worker has a GPU where there are any, else a core."""

    address: str | None = None
    """HOST:PORT of a cluster, or "auto" for the one that runs on this machine; None: one of its own, while it builds."""
    threads: int | None = None
    """Threads of each worker that embed, and its cores; None: 1, or with GPUs, its share of the cores, of 8 at most."""
    batch_size: int | None = None
    """Pictures that a model takes at once, at most; None: by device."""

    def embed_all(self, build: Build, done: BuildProgress, *, batch: int, progress: Progress) -> None:
        """See `artsim.building.pipeline.Engine`. Raises `CollectionError` also if Ray is missing or cannot be reached."""
        checkpoint, source = build.checkpoint, build.source
        with writing(checkpoint.shards):
            make_folders(checkpoint.shards)
        checkpoint.save(done)  # what it is of is known before the first shard
        progress(done.consumed, build.total)
        with connected(self.address) as ray:
            cores, gpus, count = self._shares(ray)
            remote = ray.remote(num_cpus=cores, num_gpus=gpus)(ShardWorker)
            job = ray.put(self._job(build, batch, cores, None if gpus else "cpu"))
            size = batch if source.reopen is None else shard_size(build.total, batch)
            finished = finished_spans(checkpoint)
            if build.total is not None:
                count = min(count, max(1, -(-(build.total - done.consumed) // size)))
            spans = plan(done.consumed, build.options.limit, size, finished)
            run = RayRun(ray, build, done, spans, lambda: remote.remote(job), progress)
            run.embed(count)

    def _shares(self, ray: Any) -> tuple[int, int, int]:
        """The cores and GPUs of each worker, and the number of workers."""
        resources = ray.cluster_resources()
        cores, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
        if gpus:
            share = self.threads or max(1, min(_MOST_THREADS, cores // gpus))
            count = min(gpus, cores // share)
        else:
            share = self.threads or 1
            count = cores // share
        if count < 1:
            raise CollectionError(
                f"The Ray cluster has {cores} cores; a worker needs {share}. Give fewer with --workers, or add machines."
            )
        return share, min(gpus, 1), count

    def _job(self, build: Build, batch: int, threads: int, device: str | None) -> Job:
        return Job(
            source=replace(build.source, works=_unread, reopen=None, left_out=(), notes=()),
            reopen=build.source.reopen,
            encoders=[
                EncoderName(encoder.id, encoder.revision, precision_of(encoder)) for encoder in build.encoders.values()
            ],
            device=device,
            batch_size=self.batch_size,
            options=build.options,
            out=build.checkpoint.folder.parent,
            fingerprint=build.fingerprint,
            batch=batch,
            threads=threads,
            folder=Path.cwd(),
        )


def open_engine(name: str, *, threads: int | None = None, batch_size: int | None = None) -> RayEngine:
    """The engine `ray` or `ray:ADDRESS`. `CollectionError` if there is no such engine, or Ray is not installed."""
    word, _, address = name.partition(":")
    if word != "ray":
        raise CollectionError(f"There is no engine {name!r}; write ray for this machine, ray:auto or ray:HOST:PORT.")
    check_ray(address or None)
    return RayEngine(address or None, threads, batch_size)


def _unread(start: int) -> Iterator[Work]:
    raise AssertionError("The works come with the spans.")
