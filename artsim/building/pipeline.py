"""Build pipeline: source -> encoders -> collection, in batches, with progress, resuming where a killed run stopped.

Every batch of works is written to the checkpoint inside the collection's folder. When the source is exhausted, the spaces are
fitted and the collection is saved; it then replaces the old one in one step.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Protocol

from artsim.building.checkpoint import BuildProgress, remove_checkpoint
from artsim.building.embedded_batches import count_workers
from artsim.building.known_vectors import spaces_of
from artsim.building.preparation import (
    Build,
    BuildOptions,
    build_fingerprint,
    check_ids,
    open_old,
    prepare_build,
    works_of,
)
from artsim.building.vectors import fit_spaces
from artsim.collection import Collection
from artsim.embedding.preprocessing import Preprocessing
from artsim.embedding.vector_columns import name_spaces
from artsim.encoders import Encoder
from artsim.errors import SourceError
from artsim.files.atomic import write_atomically
from artsim.files.lock import collection_lock
from artsim.index.registry import FAISS, milvus_of
from artsim.messages.progress import Progress
from artsim.search.calibration import calibrated
from artsim.snapshot.files import save_collection
from artsim.snapshot.generations import check_target
from artsim.snapshot.milvus_files import is_searched_in
from artsim.snapshot.recognition import Recognition
from artsim.snapshot.state import State
from artsim.sources import Source
from artsim.storage.manifest import Images, Manifest, damaged_files
from artsim.version import VERSION

log = logging.getLogger(__name__)

BATCH = 64  # works between two writes of the checkpoint


class Engine(Protocol):
    """Where the works of a build are embedded: `artsim.building.ray_engine`, for example."""

    def embed_all(self, build: Build, done: BuildProgress, *, batch: int, progress: Progress) -> None:
        """Write all works up to the limit to the checkpoint, resuming after `done`, in batches of `batch`.

        `done` grows with them. Raises `SourceError`, `EncoderError` or `CollectionError`; what is written then is not lost.
        """


def build_collection(
    source: Source,
    encoder: Encoder | Sequence[Encoder],
    out: str | Path,
    *,
    limit: int | None = None,
    images: Images = "bytes",
    regions: bool = False,
    whole: bool = False,
    keep_margins: bool = False,
    recognition: bool = True,
    workers: int | None = None,
    engine: Engine | None = None,
    title: str | None = None,
    license: str | None = None,
    index: str = FAISS,
    progress: Progress | None = None,
) -> Collection:
    """Embed every work of `source` with one encoder or several, save the collection in `out`, and return it opened.

    Works whose picture cannot be read are left out, counted, and named in `OUT.report.json`. If `out` already holds
    exactly this collection, it is opened as it is, and with fewer encoders, or others first, only rearranged; another one stays
    until the new one is complete. An interrupted build
    resumes when it is run again. `regions` also stores vectors of regions of every work, for detail search; `whole` keeps
    the raw vectors of collections of any size, for training. Uniform mounts and black borders are left out of the vectors,
    unless `keep_margins`; without `recognition`, works are not recognised in photographs. `workers`: the number of threads
    that embed (default: one for each core, of 2 at least and 8 at most); the vectors do not depend on it. `engine` embeds
    elsewhere than in these threads. `index`: "faiss", or `milvus:URI` to search on Milvus (docs/scaling.md); a repeated build
    with another one embeds nothing again. Raises `SourceError`, `EncoderError` or `CollectionError`.
    """
    out = Path(out).expanduser().resolve()
    check_limit(limit)
    milvus_of(index)
    embed_all = partial(_embed_in_threads, workers=count_workers(workers)) if engine is None else engine.embed_all
    if images == "urls" and not source.has_urls:
        raise SourceError(
            f"{source.name} gives no addresses of its pictures (a column image_url), so keep their bytes."
        )
    check_target(out)
    encoders = name_spaces(encoder if isinstance(encoder, Sequence) else [encoder])
    options = BuildOptions(limit, images, regions, whole, Preprocessing(keep_margins), recognition)
    fingerprint = build_fingerprint(source, {}, limit, images, title or "", license or "", VERSION, *options.stored)
    with collection_lock(out, "building it"):
        old = open_old(out)
        same_works = old is not None and old.manifest.source.get("build") == fingerprint
        if old is not None and same_works and (kept := spaces_of(old.state, encoders.values())) is not None:
            remove_checkpoint(out)
            # only an index or a map can be damaged: any other damage prevents opening
            whole = not damaged_files(out, old.manifest) and is_searched_in(old.state, index)
            if not whole or kept != [space.name for space in old.state.spaces]:
                saved = Collection.from_folder(out) if whole else old  # the latter knows nothing of what Milvus has
                saved.keep_encoders(kept)
                save_collection(calibrated(saved.state), saved.manifest, out, locked=True, index=index)
            _tell_left_out(out)
            return Collection.from_folder(out)
        build = prepare_build(source, encoders, out, old, options)
        done = build.checkpoint.resume(build.fingerprint, limit=limit)
        embed_all(build, done, batch=BATCH, progress=progress or _silent)
        build.checkpoint.save(done, last=True)
        _write_report(out, source, done)
        manifest = Manifest(
            title=title or source.title,
            source={
                "name": source.name,
                "homepage": source.homepage,
                "description": source.description,
                "fingerprint": source.fingerprint,
                "build": fingerprint,
            },
            license=license or source.license,
            images=images,
        )
        save_collection(calibrated(_fit(build, done)), manifest, out, locked=True, index=index)
        remove_checkpoint(out)
        return Collection.from_folder(out)


def check_limit(limit: int | None) -> None:
    """`SourceError` unless `limit` leaves works to build."""
    if limit is not None and limit < 1:
        raise SourceError(f"The limit must be at least 1; it is {limit}.")


def report_path(out: Path) -> Path:
    """The path of the report of a build into `out`."""
    out = Path(out).expanduser().resolve()
    return out.with_name(f"{out.name}.report.json")


def _embed_in_threads(build: Build, done: BuildProgress, *, batch: int, progress: Progress, workers: int) -> None:
    """What `Engine.embed_all` does, in so many threads of this process."""
    works = works_of(build.source, done.consumed, build.options.limit)
    seen = build.checkpoint.ids(done)
    progress(done.consumed, build.total)
    with closing(build.embedded(works, batch=batch, workers=workers)) as batches:
        for embedded in batches:
            check_ids(build.source, (work["id"] for work in embedded.works), seen)
            build.checkpoint.add(done, embedded)
            build.checkpoint.save(done)
            progress(done.consumed, build.total)


def _silent(done: int, total: int | None) -> None:
    """No progress is wanted."""


def _fit(build: Build, done: BuildProgress) -> State:
    """The checkpoint as a state, with fitted spaces. Raises `SourceError` if no picture is usable."""
    if not done.consumed:
        raise SourceError(f"{build.source.name} holds no works.")
    if not done.works:
        reasons = " ".join(list(done.failed.values())[:3])
        raise SourceError(f"None of the {done.consumed} pictures of {build.source.name} can be used: {reasons}")
    checkpoint = build.checkpoint
    columns, options = checkpoint.vectors(done), build.options
    spaces = fit_spaces(build.encoders, build.kept, columns, whole=options.whole, preprocessing=options.preprocessing)
    recognition = Recognition.of_columns(columns)
    return State(checkpoint.metadata(done), spaces, checkpoint.features, checkpoint.pictures(done), recognition)


def _write_report(out: Path, source: Source, done: BuildProgress) -> None:
    """Write which works were read and what is left out, beside the collection, even if no work is left."""
    others = [item for item in source.left_out if not item.expected]
    report = {
        "source": source.name,
        "read": done.consumed,
        "embedded": done.consumed - len(done.failed),
        "failed": [{"id": identity, "reason": reason} for identity, reason in done.failed.items()],
        "left_out": [{"kind": item.kind, "names": list(item.names), "advice": item.advice} for item in others],
    }
    write_atomically(report_path(out), json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    if others:
        kinds = ", ".join(f"{item.kind}: {len(item.names)}" for item in others)
        log.warning("The source has more that is left out (%s); %s names it.", kinds, report_path(out))
    if done.failed:
        left_out, path = len(done.failed), report_path(out)
        log.warning("%d of %d pictures cannot be used and are left out; %s names them.", left_out, done.consumed, path)


def _tell_left_out(out: Path) -> None:
    """Name the report of the build that is repeated, if pictures were left out then."""
    try:
        failed = len(json.loads(report_path(out).read_text(encoding="utf-8"))["failed"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.debug("The build has no report: %s", error)
        return
    if failed:
        log.warning(
            "%d pictures were left out when it was built; %s names them. To try them again, build into another folder.",
            failed,
            report_path(out),
        )
