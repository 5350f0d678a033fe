"""Startup: from the start of the process to the page, its first picture and the first answer; memory; and the short commands.

A bare `import gradio` is timed in the same run: no app made with Gradio has a page before that.
"""

from __future__ import annotations

import io
import os
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
from PIL import Image

from artsim.errors import ArtsimError
from artsim.storage.manifest import FILE_NAME, Manifest, read_manifest
from benchmarking.checkpoints import make_random_model
from benchmarking.large import large_collection
from benchmarking.memory import memory_of
from benchmarking.page import met_collection
from benchmarking.running import ROOT, RunningApp, running_app, seconds_of
from benchmarking.visitors import TIMEOUT, Requests, Visitor, search_event

_REPEATS = 5  # of short commands
_SEARCHES = 50  # before memory is measured again
_THUMBNAIL = re.compile(r"thumbnails/\d+/[^\"'\\?&]+")


def measure_startup(
    app: Path, *, works: int | None, random_model: str | None, starts: int, limit: float
) -> dict[str, Any]:
    """Start `app` with an empty cache, then `starts` times with what that left there; then time the short commands.

    `works`: serve so many variants of the paintings of The Met instead, which are there already. `random_model`: serve them
    with such an encoder, of `make_random_model`. `ArtsimError` when it does not start.
    """
    if not app.is_file():
        raise ArtsimError(f"There is no {app} to start.")
    if starts < 1:
        raise ArtsimError(f"The number of starts must be at least 1; it is {starts}.")
    served: tuple[str, ...] = ()
    weights: dict[str, Any] = {}
    folder = None if works is None else large_collection(met_collection(), works)
    if folder is not None:
        served = ("--collection", str(folder))
    with tempfile.TemporaryDirectory() as scratch:
        cache = f"{scratch}/cache"
        if random_model is not None:
            model = make_random_model(random_model, Path(scratch) / random_model)
            served = ("--encoder", str(model))
            weights = {"weights_mb": round((model / "model.safetensors").stat().st_size / 1e6)}
        first = _start(app, Path(cache), limit, *served) if works is None else None
        later, imports = [], []
        for _ in range(starts):
            imports.append(seconds_of(["-c", "import gradio"], 1))
            later.append(_start(app, Path(cache), limit, *served))
        built = folder or next((path.parent for path in Path(cache).rglob(FILE_NAME)), None)
        disk = {} if built is None else {"disk_bytes": bytes_by_group(read_manifest(built))}
    commands = {
        "python": ["-c", "pass"],
        "import_artsim": ["-c", "import artsim"],
        "app_help": [str(app), "--help"],
        "build_help": [str(ROOT / "scripts" / "build_collection.py"), "--help"],
        "evaluate_help": [str(ROOT / "scripts" / "evaluate.py"), "--help"],
    }
    results = {
        "works": works,
        "random_model": random_model,
        **weights,
        **disk,
        "first_start": first,
        "later_start": _medians(later),
        "import_gradio_s": round(statistics.median(imports), 3),
        "seconds": {name: round(seconds_of(arguments, _REPEATS), 4) for name, arguments in commands.items()},
        "repeats": _REPEATS,
        "starts": starts,
    }
    _print(results)
    return results


def bytes_by_group(manifest: Manifest) -> dict[str, int]:
    """Bytes of a collection's files: of each column group; of "index", the first passes and maps; of "fitted", statistics and
    calibration, which do not grow with the works."""
    groups: dict[str, list[str]] = {
        name: [part.file for part in getattr(manifest.groups, name)]
        for name in ("metadata", "vectors", "recognition", "pictures")
    }
    groups["index"] = [file for space in manifest.spaces for file in space.rebuildable]
    groups["fitted"] = [file for space in manifest.spaces for file in space.files if file not in groups["index"]]
    return {name: sum(manifest.files[file].size for file in files) for name, files in groups.items()}


def _start(app: Path, cache: Path, limit: float, *arguments: str) -> dict[str, float]:
    """Start the app, visit it, stop it. With the Hub, where there is one.

    `answer_s`: until anything answered; `page_s`: until the page did. Of artsim's own app, also what `_visit` measures.
    """
    offline = os.environ.get("HF_HUB_OFFLINE", "0")
    with running_app(cache, *arguments, script=app, limit=limit, HF_HUB_OFFLINE=offline) as running:
        figures = {"answer_s": running.first_answer, "page_s": running.seconds, **_visit(running)}
    return {name: round(value, 3) for name, value in figures.items()}


def _visit(app: RunningApp) -> dict[str, float]:
    """The first picture and the first answer to one, in seconds since the start of the process; the weight of the document;
    the megabytes of the process, without those it started, before and after searches. Empty for an app without pictures.
    """
    with httpx.Client(base_url=app.url, timeout=TIMEOUT, headers={"Accept-Encoding": "br, gzip"}) as client:
        with client.stream("GET", "") as answer:
            document = answer.read().decode(errors="replace")
            sent = answer.num_bytes_downloaded
        pictures = sorted(set(_THUMBNAIL.findall(document)))
        if not pictures:
            return {}
        picture = client.get(pictures[0])
    figures = {"picture_s": time.monotonic() - app.started, "document_kb": sent / 1e3}
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(picture.content)).convert("RGB").save(jpeg, "JPEG")
    works = [unquote(address.rsplit("/", 1)[1]) for address in pictures]
    visitor = Visitor(app.url, search_event(app.url), works, [jpeg.getvalue()], seed=0)
    try:
        _search(visitor, "search by picture")
        figures["first_match_s"] = time.monotonic() - app.started
        app.wait_for_encoder()
        figures |= {f"{name}_start_mb": size for name, size in memory_of(app.process.pid).items()}
        for number in range(_SEARCHES):
            _search(visitor, ("search by picture", "search by work", "API, by picture")[number % 3])
        figures |= {f"{name}_searched_mb": size for name, size in memory_of(app.process.pid).items()}
    finally:
        visitor.close()
    return figures


def _search(visitor: Visitor, kind: str) -> None:
    requests = Requests()
    visitor.once(kind, requests)
    if requests.all[0].outcome != "answered":
        raise ArtsimError(f"The app did not answer a {kind}: {requests.all[0].reason or requests.all[0].outcome}")


def _medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}


def _print(results: dict[str, Any]) -> None:
    first, later = results["first_start"], results["later_start"]
    if first is not None:
        print(f"First start: an answer after {first['answer_s']:.1f} s, the page after {first['page_s']:.1f} s.")
        for name, figure in first.items():
            print(f"  {figure:8.2f}  {name}")
    if results["random_model"] is not None:
        print(f"The weights of the encoder have {results['weights_mb']} MB.")
    more = later["page_s"] - results["import_gradio_s"]
    print(f"Later starts: the page after {later['page_s']:.1f} s, {more:.1f} s more than `import gradio` takes.")
    for name, figure in later.items():
        print(f"  {figure:8.2f}  {name}")
    for name, taken in results["seconds"].items():
        print(f"  {taken:6.3f} s  {name}")
