"""Load: many visitors for some minutes, while the owner adds works. What was answered, in what time, and the app's memory."""

from __future__ import annotations

import itertools
import re
import shutil
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from artsim.errors import ArtsimError
from artsim.opening import open_collection
from benchmarking.memory import memory_with_children
from benchmarking.page import met_collection
from benchmarking.running import RunningApp, running_app
from benchmarking.visitors import OwnerAtWork, Request, Requests, Visitor, run_together, search_event

_PICTURES = 40  # that visitors search with, of the collection
_SETTLE = 60.0  # seconds after which memory must be back
_SAMPLE = 1.0
_WARM_UP = 30.0  # seconds of the same load before memory is measured: pools of threads and processes are filled once
_BACK = 1.1  # times the memory before
_SHOWN_REASONS = 8
_ENCODED = re.compile(r'^artsim_encode_seconds_count\{kind="image"\} (\S+)$', re.MULTILINE)


def measure_load(collection: str | None, *, visitors: int, seconds: float) -> dict[str, Any]:
    """Serve a copy of `collection` (default: the paintings of The Met) to `visitors` for `seconds`, who pause between requests.

    `ArtsimError` when it cannot be served, or holds no pictures.
    """
    if visitors < 1 or seconds <= 0:
        raise ArtsimError("There must be at least one visitor, for more than no time.")
    base = open_collection(collection) if collection else met_collection()
    pictures = [base.picture(identity) for identity in base.ids[:_PICTURES]]
    with tempfile.TemporaryDirectory() as scratch:
        assert base.folder is not None  # an opened collection has a folder
        served = shutil.copytree(base.folder, Path(scratch) / "collection")  # the owner adds works to it
        with running_app(Path(scratch) / "cache", "--collection", str(served)) as app:
            app.wait_for_encoder()
            results = _measure(app, base.ids, pictures, visitors, seconds)
    _print(results)
    return {"works": len(base), "visitors": visitors, "seconds": seconds, **results}


def _measure(
    app: RunningApp, works: Sequence[str], pictures: Sequence[bytes], visitors: int, seconds: float
) -> dict[str, Any]:
    event = search_event(app.url)
    crowd = [Visitor(app.url, event, works, pictures, seed) for seed in range(visitors)]
    start, warm = memory_with_children(app.process.pid), Requests()
    for kind, _ in itertools.product(crowd[0].kinds, range(3)):
        run_together([partial(visitor.once, kind, warm) for visitor in crowd[:4]])
    crowd[0].see_everything(warm)
    owner = OwnerAtWork(app.url)
    _all_at_once(crowd, owner, warm, min(_WARM_UP, seconds))
    before, encoded = memory_with_children(app.process.pid), _encoded(app)
    requests = Requests()
    samples: list[float] = []
    over = threading.Event()
    sampler = threading.Thread(target=_sample, args=(app.process.pid, samples, over))
    sampler.start()
    _all_at_once(crowd, owner, requests, seconds)
    encoded = _encoded(app) - encoded
    for visitor in crowd:
        visitor.close()
    settled = time.monotonic() + _SETTLE
    while (after := memory_with_children(app.process.pid)) > before * _BACK and time.monotonic() < settled:
        time.sleep(_SAMPLE)
    over.set()
    sampler.join()
    return {
        "requests": _summary(requests.all),
        "errors": Counter(one.reason for one in (*warm.all, *requests.all) if one.outcome == "error"),
        "works_added": requests.works_added,
        "pictures_embedded": encoded,
        "memory_mb": {
            "start": round(start),
            "before": round(before),
            "peak": round(max(samples, default=after)),
            "after": round(after),
        },
        "app_runs": app.process.poll() is None,
    }


def _all_at_once(crowd: Sequence[Visitor], owner: OwnerAtWork, requests: Requests, seconds: float) -> None:
    until = time.monotonic() + seconds
    run_together([partial(owner.add_until, requests, until), *(partial(one.visit, requests, until) for one in crowd)])


def _summary(requests: Sequence[Request]) -> dict[str, dict[str, float]]:
    """Of each kind of request, and of all visitors': how many, with which outcome, and the times of the answered ones."""
    of_visitors = [one for one in requests if not one.kind.startswith("owner")]
    groups = {kind: [one for one in requests if one.kind == kind] for kind in sorted({one.kind for one in requests})}
    return {kind: _figures(group) for kind, group in {**groups, "all of visitors": of_visitors}.items()}


def _figures(requests: Sequence[Request]) -> dict[str, float]:
    outcomes = Counter(one.outcome for one in requests)
    times = [1000 * one.seconds for one in requests if one.outcome == "answered"] or [0.0]
    p50, p95 = np.percentile(times, (50, 95))
    return {
        "sent": len(requests),
        "busy": outcomes["busy"],
        "errors": outcomes["error"],
        "p50_ms": round(float(p50), 1),
        "p95_ms": round(float(p95), 1),
        "worst_ms": round(max(times), 1),
    }


def _sample(pid: int, samples: list[float], over: threading.Event) -> None:
    while not over.wait(_SAMPLE):
        samples.append(memory_with_children(pid))


def _encoded(app: RunningApp) -> int:
    """Pictures of visitors that were embedded so far."""
    with urllib.request.urlopen(f"{app.url}metrics", timeout=60) as answer:
        found = _ENCODED.search(answer.read().decode())
    return int(float(found[1])) if found else 0


def _print(results: dict[str, Any]) -> None:
    for kind, row in results["requests"].items():
        print(
            f"{kind:22} {row['sent']:6} sent {row['busy']:5} busy {row['errors']:4} errors   "
            f"p50 {row['p50_ms']:8.0f} ms  p95 {row['p95_ms']:8.0f} ms  worst {row['worst_ms']:8.0f} ms"
        )
    memory = results["memory_mb"]
    print(
        f"memory: {memory['start']} MB at the start, {memory['before']} after a warm-up, {memory['peak']} at most, "
        f"{memory['after']} after it all"
    )
    print(f"{results['works_added']} works added, {results['pictures_embedded']} pictures of visitors embedded")
    for reason, count in results["errors"].most_common(_SHOWN_REASONS):
        print(f"  {count} x {reason}")
