"""Shards: spans of works that several processes, on one machine or many, embed into the checkpoint of one build.

A shard is a checkpoint of its own, with the `progress.json` that says what it holds. It is written into a folder with a name of
its own, and renamed when it is whole. The name that it gets follows from its rows, so of several attempts to embed a span, one
counts, and the others are removed. The build takes shards over in the order of the source.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from contextlib import closing

from artsim.building.checkpoint import BuildCheckpoint, BuildProgress
from artsim.building.preparation import Build, check_ids
from artsim.building.spans import Span, span_of
from artsim.errors import CollectionError
from artsim.files import disk
from artsim.files.atomic import remove_tree, writing
from artsim.sources import Work


def write_shard(build: Build, span: Span, works: Iterator[Work], *, batch: int, workers: int) -> int:
    """Embed the `works` of a span into its shard; returns how many the source has there. None makes no shard.

    Raises what a build raises, and `CollectionError` if the checkpoint is not here.
    """
    shards = build.checkpoint.shards
    if not shards.is_dir():
        raise CollectionError(
            "The worker on {host} finds no folder {folder}: a build on Ray needs the collection's folder at the same path on "
            "every machine.",
            host=socket.gethostname(),
            folder=shards,
        )
    attempt = span.unfinished(uuid.uuid4().hex)
    checkpoint = build.checkpoint.shard(attempt)
    progress, seen = BuildProgress(fingerprint=build.fingerprint), set[str]()
    try:
        with writing(checkpoint.folder):
            disk.make_folder(checkpoint.folder)
        with closing(build.embedded(works, batch=batch, workers=workers)) as batches:
            for embedded in batches:
                check_ids(build.source, (work["id"] for work in embedded.works), seen)
                checkpoint.add(progress, embedded)
        if progress.consumed:
            checkpoint.save(progress, last=True)
            _publish(build.checkpoint, attempt, span)
    finally:
        if checkpoint.folder.exists():
            remove_tree(checkpoint.folder)
    return progress.consumed


def _publish(checkpoint: BuildCheckpoint, attempt: str, span: Span) -> None:
    """Give a whole shard its name, unless another attempt has it."""
    old, new = checkpoint.shards / attempt, checkpoint.shards / span.name
    with writing(new):
        try:
            disk.rename(old, new)
        except OSError:
            if not new.is_dir():
                raise
        disk.sync_folder(checkpoint.shards)


def finished_spans(checkpoint: BuildCheckpoint) -> list[Span]:
    """The spans whose shards have their names."""
    found = (span_of(entry.name) for entry in checkpoint.shards.glob("[0-9]*"))
    return [span for span in found if span is not None]


def read_shard(build: Build, span: Span) -> BuildProgress | None:
    """What a shard holds; None, and it is removed, if it is not whole, or of other works or encoders."""
    checkpoint = build.checkpoint.shard(span.name)
    progress = checkpoint.saved(build.fingerprint)
    if progress is None and checkpoint.folder.exists():
        remove_tree(checkpoint.folder)
    return progress


def take_over(build: Build, done: BuildProgress, span: Span, shard: BuildProgress, seen: set[str]) -> None:
    """Append a shard to `done`, and save that. `SourceError` if one of its ids was `seen`."""
    check_ids(build.source, build.checkpoint.shard(span.name).ids(shard), seen)
    build.checkpoint.take_over(done, span.name, shard)
    build.checkpoint.save(done)
