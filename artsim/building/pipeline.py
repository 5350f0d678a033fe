"""Build pipeline: source -> encoders -> collection, in batches, with progress, resuming where a killed run stopped.

Every batch of works is written to the checkpoint inside the collection's folder. When the source is exhausted, the spaces are
fitted and the collection is saved; it then replaces the old one in one step.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from artsim.building.checkpoint import BuildCheckpoint, BuildProgress, remove_checkpoint
from artsim.building.embedded_batches import count_workers, embedded_batches, slice_sizes
from artsim.building.known_vectors import keeps_fit, known_spaces, known_vectors
from artsim.building.vectors import fit_spaces, vector_kinds
from artsim.collection import Collection
from artsim.embedding.decoded_works import DecodedWork, decode_side, decode_work
from artsim.embedding.embed_works import KnownVectors, Recogniser, embed_works
from artsim.embedding.preprocessing import Preprocessing
from artsim.embedding.vector_columns import name_spaces, reserved_columns, vector_dims
from artsim.encoders import Encoder, load_recognition_encoder, precision_of
from artsim.encoders.recognition_vectors import REVISION as RECOGNITION_REVISION
from artsim.encoders.region_vectors import REGIONS
from artsim.errors import CollectionError, ImageError, SourceError
from artsim.files.atomic import write_atomically
from artsim.files.lock import collection_lock
from artsim.index.registry import FAISS, milvus_of
from artsim.messages.progress import Progress
from artsim.search.calibration import calibrated
from artsim.snapshot.files import read_collection, save_collection
from artsim.snapshot.generations import check_target
from artsim.snapshot.milvus_files import is_searched_in
from artsim.snapshot.recognition import Recognition
from artsim.snapshot.space import Space
from artsim.snapshot.state import State
from artsim.snapshot.years import dated_features
from artsim.sources import Source, Work, read_picture
from artsim.storage.manifest import Images, Manifest, damaged_files
from artsim.storage.metadata import HIDDEN
from artsim.version import VERSION

log = logging.getLogger(__name__)

BATCH = 64  # works between two writes of the checkpoint


@dataclass(frozen=True)
class _Build:
    """One build: source, encoders, reusable vectors and checkpoint."""

    source: Source
    encoders: Mapping[str, Encoder]
    """By the name of their space."""
    regions: bool
    recogniser: Recogniser | None
    known: KnownVectors
    kept: Mapping[str, Space]
    """Compact spaces of the old collection whose statistics the new ones keep, by the names of those."""
    renamed: Mapping[str, str]
    """Source columns whose names are reserved for pictures and vectors -> their stored names."""
    checkpoint: BuildCheckpoint
    preprocessing: Preprocessing


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
    title: str | None = None,
    license: str | None = None,
    index: str = FAISS,
    progress: Progress | None = None,
) -> Collection:
    """Embed every work of `source` with one encoder or several, save the collection in `out`, and return it opened.

    Works whose picture cannot be read are left out, counted, and named in `OUT.report.json`. If `out` already holds
    exactly this collection, it is opened as it is; another one stays until the new one is complete. An interrupted build
    resumes when it is run again. `regions` also stores vectors of regions of every work, for detail search; `whole` keeps
    the raw vectors of collections of any size, for training. Uniform mounts and black borders are left out of the vectors,
    unless `keep_margins`; without `recognition`, works are not recognised in photographs. `workers`: the number of threads
    that embed (default: one for each core, of 2 at least and 8 at most); the vectors do not depend on it. `index`: "faiss", or
    `milvus:URI` to search on Milvus (docs/scaling.md); a repeated build with another one embeds nothing again. Raises
    `SourceError`, `EncoderError` or `CollectionError`.
    """
    out = Path(out).expanduser().resolve()
    check_limit(limit)
    milvus_of(index)
    workers = count_workers(workers)
    if images == "urls" and not source.has_urls:
        raise SourceError(
            f"{source.name} gives no addresses of its pictures (a column image_url), so keep their bytes."
        )
    check_target(out)
    encoders = name_spaces(encoder if isinstance(encoder, Sequence) else [encoder])
    preprocessing = Preprocessing(keep_margins)
    options = [str(preprocessing), *(["regions", repr(REGIONS)] if regions else []), *(["whole"] if whole else [])]
    options += ["recognition", RECOGNITION_REVISION] if recognition else []
    fingerprint = _fingerprint(source, encoders, limit, images, title or "", license or "", VERSION, *options)
    with collection_lock(out, "building it"):
        old = _open_old(out)
        if old is not None and old.manifest.source.get("build") == fingerprint:
            remove_checkpoint(out)
            # only an index or a map can be damaged: any other damage prevents opening
            if damaged_files(out, old.manifest) or not is_searched_in(old.state, index):
                save_collection(calibrated(old.state), old.manifest, out, locked=True, index=index)
            _tell_left_out(out)
            return Collection.from_folder(out)
        if old is not None and old.state.spaces[0].preprocessing != preprocessing:
            old = None  # its vectors show the pictures otherwise
        recogniser = None
        if recognition:
            recogniser = Recogniser(load_recognition_encoder(encoders.values()), features=images == "urls")
        build = _prepare(
            source,
            encoders,
            out,
            old,
            limit,
            preprocessing,
            regions=regions,
            whole=whole,
            images=images,
            recogniser=recogniser,
        )
        options += [images, *_fitted(old, build.kept)]
        done = build.checkpoint.resume(_fingerprint(source, encoders, *options), limit=limit)
        _embed_all(build, done, limit, workers, progress)
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
        save_collection(calibrated(_fit(build, done, whole=whole)), manifest, out, locked=True, index=index)
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


def _fingerprint(source: Source, encoders: Mapping[str, Encoder], *options: Any) -> str:
    made_with = [part for encoder in encoders.values() for part in (encoder.id, encoder.revision)]
    made_with += [f"{encoder.id} in bf16" for encoder in encoders.values() if precision_of(encoder) == "bf16"]
    dims = [str(length) for encoder in encoders.values() for length in vector_dims(encoder).values()]
    parts = [source.name, source.fingerprint, *made_with, *map(str, options), *dims]
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _open_old(out: Path) -> Collection | None:
    """The collection in `out`; None if there is none, or it is damaged, as it is built again then."""
    try:
        state, manifest = read_collection(out, on_milvus=False)
    except CollectionError as error:
        log.debug("No collection to reuse: %s", error)
        return None
    return Collection(state=state, manifest=manifest, folder=out)


def _fitted(old: Collection | None, kept: Mapping[str, Space]) -> list[str]:
    """The hashes of what was fitted to the spaces `kept` of `old`."""
    if old is None:
        return []
    records = {record.name: record for record in old.manifest.spaces}
    return [old.manifest.files[records[space.name].statistics].sha256 for space in kept.values()]


def _prepare(
    source: Source,
    encoders: Mapping[str, Encoder],
    out: Path,
    old: Collection | None,
    limit: int | None,
    preprocessing: Preprocessing,
    *,
    regions: bool,
    whole: bool,
    images: Images,
    recogniser: Recogniser | None,
) -> _Build:
    from datasets import Value

    reserved = {"image", "sha256", *HIDDEN, *reserved_columns(encoders)}
    renamed = {key: f"source_{key}" for key in source.features if key in reserved}
    features = {renamed.get(key, key): feature for key, feature in source.features.items()}
    features = {"id": Value("string"), **dated_features(features), "sha256": Value("string")}
    state, total = None if old is None else old.state, _total(source, limit)
    spaces = known_spaces(state, encoders, regions=regions)
    kept = {name: space for name, space in spaces.items() if not whole and keeps_fit(space, total)}
    known = known_vectors(state, spaces, kept, regions=regions, features=images == "urls")
    kinds = vector_kinds(encoders, kept, regions=regions, recogniser=recogniser)
    checkpoint = BuildCheckpoint(out, features, kinds, keeps_pictures=images == "bytes")
    return _Build(source, encoders, regions, recogniser, known, kept, renamed, checkpoint, preprocessing)


def _total(source: Source, limit: int | None) -> int | None:
    """Number of works that are read; None if nobody knows."""
    return min((count for count in (limit, source.size) if count is not None), default=None)


def _embed_all(build: _Build, done: BuildProgress, limit: int | None, workers: int, progress: Progress | None) -> None:
    """Write all works up to `limit` to the checkpoint, resuming after `done`."""
    total = _total(build.source, limit)
    left = None if limit is None else limit - done.consumed
    works = itertools.islice(build.source.works(done.consumed), left)
    seen = build.checkpoint.ids(done)
    regions = build.encoders if build.regions else ()
    embed = partial(
        embed_works, encoders=build.encoders, regions=regions, recogniser=build.recogniser, known=build.known
    )
    slices = slice_sizes(build.encoders.values(), BATCH)
    if progress is not None:
        progress(done.consumed, total)
    with closing(embedded_batches(works, partial(_decode, build), embed, slices=slices, workers=workers)) as batches:
        for batch in batches:
            _check_ids(build.source, batch.works, seen)
            if (embedded := batch.embedded) is not None:
                build.checkpoint.write(done, embedded)
            done.consumed += len(batch.works)
            done.failed |= batch.failed
            build.checkpoint.save(done)
            if progress is not None:
                progress(done.consumed, total)
    build.checkpoint.save(done, last=True)


def _decode(build: _Build, work: Work) -> DecodedWork | ImageError:
    """The decoded work, or the error: one bad picture never stops a build."""
    columns = {build.renamed.get(key, key): value for key, value in work.items() if key != "image"}
    side = decode_side(build.encoders.values(), recognition=build.recogniser is not None)
    try:
        return decode_work(columns, read_picture(work), side=side, name=work["id"], preprocessing=build.preprocessing)
    except ImageError as error:
        return error


def _check_ids(source: Source, batch: list[Work], seen: set[str]) -> None:
    for work in batch:
        if work["id"] in seen:
            raise SourceError(f"{source.name} has two works with the id {work['id']!r}; ids must be unique.")
        seen.add(work["id"])


def _fit(build: _Build, done: BuildProgress, *, whole: bool) -> State:
    """The checkpoint as a state, with fitted spaces. Raises `SourceError` if no picture is usable."""
    if not done.consumed:
        raise SourceError(f"{build.source.name} holds no works.")
    if not done.works:
        reasons = " ".join(list(done.failed.values())[:3])
        raise SourceError(f"None of the {done.consumed} pictures of {build.source.name} can be used: {reasons}")
    checkpoint = build.checkpoint
    columns, preprocessing = checkpoint.vectors(done), build.preprocessing
    spaces = fit_spaces(build.encoders, build.kept, columns, whole=whole, preprocessing=preprocessing)
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
