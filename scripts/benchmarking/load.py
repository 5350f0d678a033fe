"""Load: many visitors for some minutes, while the owner adds works. What was answered, in what time, and the app's memory."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from artsim.errors import ArtsimError
from artsim.opening import open_collection
from benchmarking.memory import memory_of, memory_with_children
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


def measure_load(collection: str | None, *, visitors: int, seconds: float, processes: int = 1) -> dict[str, Any]:
    """Serve a copy of `collection` (default: the paintings of The Met) to `visitors` for `seconds`, who pause between requests.

    Of several `processes`, each visitor stays with one, as behind a proxy, and the owner works in the first. `ArtsimError` when
    the collection cannot be served, or holds no pictures.
    """
    if visitors < 1 or seconds <= 0 or processes < 1:
        raise ArtsimError("There must be at least one visitor and one process, for more than no time.")
    base = open_collection(collection) if collection else met_collection()
    pictures = [base.picture(identity) for identity in base.ids[:_PICTURES]]
    with tempfile.TemporaryDirectory() as scratch:
        assert base.folder is not None  # an opened collection has a folder
        served = shutil.copytree(
            base.folder, Path(scratch) / "collection", copy_function=_linked
        )  # the owner adds works to it
        with ExitStack() as stack:
            cache, given = Path(scratch) / "cache", ("--collection", str(served))
            apps = [stack.enter_context(running_app(cache, *given))]
            for _ in range(1, processes):
                apps.append(stack.enter_context(running_app(cache, *given, "--no-allow-changes")))
            for app in apps:
                app.wait_for_encoder()
            results = _measure(apps, base.ids, pictures, visitors, seconds)
    _print(results)
    return {"works": len(base), "visitors": visitors, "seconds": seconds, "processes": processes, **results}


def _linked(source: str, target: str) -> str:
    """A second name for a file, which is never changed once it is written; a copy where the disk has no such names."""
    try:
        os.link(source, target)
    except OSError:
        return str(shutil.copy2(source, target))
    return target


def _measure(
    apps: Sequence[RunningApp], works: Sequence[str], pictures: Sequence[bytes], visitors: int, seconds: float
) -> dict[str, Any]:
    event = search_event(apps[0].url)
    crowd = [Visitor(apps[seed % len(apps)].url, event, works, pictures, seed) for seed in range(visitors)]
    start, warm = _memory(apps), Requests()
    for kind, _ in itertools.product(crowd[0].kinds, range(3)):
        run_together([partial(visitor.once, kind, warm) for visitor in crowd[: 4 * len(apps)]])
    for visitor in crowd[: len(apps)]:
        visitor.see_everything(warm)
    owner = OwnerAtWork(apps[0].url)
    _all_at_once(crowd, owner, warm, min(_WARM_UP, seconds))
    before, encoded = _memory(apps), _encoded(apps)
    each = [{name: round(megabytes) for name, megabytes in memory_of(app.process.pid).items()} for app in apps]
    requests = Requests()
    samples: list[float] = []
    over = threading.Event()
    sampler = threading.Thread(target=_sample, args=(apps, samples, over))
    sampler.start()
    _all_at_once(crowd, owner, requests, seconds)
    encoded = _encoded(apps) - encoded
    for visitor in crowd:
        visitor.close()
    settled = time.monotonic() + _SETTLE
    while (after := _memory(apps)) > before * _BACK and time.monotonic() < settled:
        time.sleep(_SAMPLE)
    over.set()
    sampler.join()
    return {
        "requests": _summary(requests.all),
        "answered_per_second": round(sum(one.outcome == "answered" for one in requests.all) / seconds, 2),
        "errors": Counter(one.reason for one in (*warm.all, *requests.all) if one.outcome == "error"),
        "works_added": requests.works_added,
        "pictures_embedded": encoded,
        "memory_mb": {
            "start": round(start),
            "before": round(before),
            "peak": round(max(samples, default=after)),
            "after": round(after),
            "each_process": each,
        },
        "app_runs": all(app.process.poll() is None for app in apps),
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


def _sample(apps: Sequence[RunningApp], samples: list[float], over: threading.Event) -> None:
    while not over.wait(_SAMPLE):
        samples.append(_memory(apps))


def _memory(apps: Sequence[RunningApp]) -> float:
    """Megabytes (PSS) of all processes, and of those that they started."""
    return sum(memory_with_children(app.process.pid) for app in apps)


def _encoded(apps: Sequence[RunningApp]) -> int:
    """Pictures of visitors that were embedded so far."""
    count = 0
    for app in apps:
        with urllib.request.urlopen(f"{app.url}metrics", timeout=60) as answer:
            found = _ENCODED.search(answer.read().decode())
        count += int(float(found[1])) if found else 0
    return count


def _print(results: dict[str, Any]) -> None:
    for kind, row in results["requests"].items():
        print(
            f"{kind:22} {row['sent']:6} sent {row['busy']:5} busy {row['errors']:4} errors   "
            f"p50 {row['p50_ms']:8.0f} ms  p95 {row['p95_ms']:8.0f} ms  worst {row['worst_ms']:8.0f} ms"
        )
    print(f"{results['answered_per_second']} requests a second answered")
    memory = results["memory_mb"]
    print(
        f"memory: {memory['start']} MB at the start, {memory['before']} after a warm-up, {memory['peak']} at most, "
        f"{memory['after']} after it all"
    )
    for number, process in enumerate(memory["each_process"], 1):
        print(
            f"process {number} after the warm-up: {process.get('rss')} MB, {process.get('pss')} with its share of what is shared"
        )
    print(f"{results['works_added']} works added, {results['pictures_embedded']} pictures of visitors embedded")
    for reason, count in results["errors"].most_common(_SHOWN_REASONS):
        print(f"  {count} x {reason}")
