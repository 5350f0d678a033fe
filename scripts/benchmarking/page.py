"""Waiting time of a visitor in a real browser, from a dropped picture to the gallery; and weight of the page."""

from __future__ import annotations

import re
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import ImageEnhance

from artsim.building.pipeline import build_collection
from artsim.collection import Collection
from artsim.encoders import load_encoder
from artsim.errors import ArtsimError
from artsim.images.decode import load_image
from artsim.images.thumbnails import SMALL
from artsim.opening import open_collection
from artsim.sources import open_source
from benchmarking.large import FOLDER, large_collection
from benchmarking.memory import memory_of
from benchmarking.running import CHROMIUM_OPTIONS, RunningApp, find_chromium, running_app, seconds_of

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
_SIZE = {"width": 1440, "height": 900}
_TIMEOUT_MS = 60_000
_SETTLE_MS = 700  # until nothing on the page moves
_FEW_WORKS = 500  # collections up to this size have all thumbnails within a minute or two of the start
_CROP_PERCENT = 3  # of every side of a query picture, which is then not identical to a picture of the collection
_STEP_SECONDS = re.compile(r"^artsim_(search|encode|index)_seconds_sum\{.*\} (\S+)$", re.MULTILINE)
_CPU_SECONDS = re.compile(r"^process_cpu_seconds_total (\S+)$", re.MULTILINE)


def measure_page(collection: str | None, *, works: int | None, queries: int) -> dict[str, Any]:
    """Serve `collection` (default: the paintings of The Met), or `works` variants of its works, and run `queries` searches.

    `ArtsimError` when there is no browser, or the collection cannot be served.
    """
    chromium = find_chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        raise ArtsimError(
            "There is no Chromium with playwright here. Set CHROMIUM to the path of a Chromium, and run: pip install playwright"
        )
    base = open_collection(collection) if collection else met_collection()
    if not 1 <= queries < len(base):
        raise ArtsimError(
            f"{base.manifest.title} has pictures for 1 to {len(base) - 1} queries; --queries is {queries}."
        )
    served = large_collection(base, works) if works else base.folder
    assert served is not None  # an opened collection has a folder
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch) / "cache"
        with running_app(cache, "--collection", str(served.resolve())) as app:
            encoder_s = app.wait_for_encoder()
            memory = {"start": memory_of(app.process.pid)}
            pictures = _query_pictures(base, queries + 1, Path(scratch))
            made = _wait_for_thumbnails(cache, works or len(base))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
                results = {"browser": f"Chromium {browser.version}", **_measure(browser, app, pictures)}
                browser.close()
            memory["searched"] = memory_of(app.process.pid)
    imported = round(seconds_of(["-c", "import gradio"]), 2)
    start = {"import_gradio_s": imported, "page_s": round(app.seconds, 2), "encoder_s": round(encoder_s, 2)}
    for when, sizes in memory.items():
        print(f"  memory, {when}: {', '.join(f'{size:.0f} MB {name}' for name, size in sizes.items())}")
    facts = {"works": works or len(base), "queries": queries, "thumbnails_made": made, "start": start}
    return {**facts, "memory_mb": memory, **results}


def met_collection() -> Collection:
    """The paintings of The Met, built once in the system's temporary folder."""
    folder = Path(tempfile.gettempdir()) / FOLDER / "met"
    return build_collection(open_source("met"), load_encoder("embedded"), folder)


def _query_pictures(base: Collection, count: int, folder: Path) -> list[Path]:
    """JPEG files of evenly spaced works, slightly cropped, brightened and recompressed."""
    ids = base.ids
    paths = []
    for row in np.linspace(0, len(ids) - 1, count).astype(int):
        image = load_image(base.picture(ids[row]))
        across, down = (side * _CROP_PERCENT // 100 for side in image.size)
        cropped = image.crop((across, down, image.width - across, image.height - down))
        paths.append(folder / f"{row}.jpg")
        ImageEnhance.Brightness(cropped).enhance(1.06).save(paths[-1], quality=88)
    return paths


def _wait_for_thumbnails(cache: Path, works: int) -> int:
    """Wait up to three minutes until those of a small collection are made; return how many there are."""

    def made() -> int:
        return len(list(cache.glob(f"thumbnails/*/{SMALL}/*.webp")))

    started = time.monotonic()
    while works <= _FEW_WORKS and made() < works and time.monotonic() - started < 180:
        time.sleep(1)
    return made()


def _measure(browser: Any, app: RunningApp, pictures: Sequence[Path]) -> dict[str, Any]:
    page = browser.new_page(viewport=_SIZE, locale="en-GB")
    page.set_default_timeout(_TIMEOUT_MS)
    page.add_init_script(_SCRIPT)
    page.route("**/recognition?*", lambda route: route.abort())  # it follows what is timed here, and searches once more
    weight = _Weight(page)
    page.goto(app.url)
    page.wait_for_selector("#results .card")
    page.wait_for_load_state("load")
    page.wait_for_timeout(3 * _SETTLE_MS)
    opened = page.evaluate("artsimMeasure.opened()")
    results: dict[str, Any] = {"bytes": weight.totals(), "opened": opened}
    shifts = {"load": _layout_shifts(page)}
    drops = [_timed(page, app, "drop", lambda path=path: _drop(page, path)) for path in pictures]
    clicks = []
    for number in range(min(len(pictures), 12)):
        page.evaluate("artsim.startAgain()")
        page.wait_for_selector('#results [data-state="empty"] .card')
        page.wait_for_timeout(_SETTLE_MS)
        card = page.locator("#results .card-face").nth(number % page.locator("#results .card-face").count())
        clicks.append(_timed(page, app, "click", card.click))
    page.close()
    for name, runs in (("drop", drops), ("click", clicks)):
        results[name] = {"first": runs[0], **_summary(runs[1:])}  # the first run meets cold caches
        shifts[f"first {name}"] = runs[0].pop("shifted")
        shifts[name] = max((run.pop("shifted") for run in runs[1:]), key=_total_shift)
    _print(results, shifts)
    return {**results, "layout_shift": shifts}


def _layout_shifts(page: Any) -> dict[str, Any]:
    """Sums of all layout shifts since the last event, and the elements that moved.

    `sum` is at least CLS, which excludes shifts within half a second of input: these are `after_input`.
    """
    shifts, after_input, moved = page.evaluate("[artsimMeasure.shifts, artsimMeasure.afterInput, artsimMeasure.moved]")
    return {"sum": round(shifts, 4), "after_input": round(after_input, 4), "moved": sorted(set(moved))}


def _total_shift(shifted: dict[str, Any]) -> float:
    return float(shifted["sum"] + shifted["after_input"])


def _drop(page: Any, path: Path) -> None:
    """Drop a file in the middle of the page, with the events of a drag from the desktop."""
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": _SIZE["width"] // 2, "y": 300, "data": data})
    devtools.detach()


def _timed(page: Any, app: RunningApp, event: str, act: Callable[[], None]) -> dict[str, Any]:
    """Time one search from `event` on: steps of the browser from page.js, steps of the server from its /metrics."""
    before = _server_seconds(app)
    page.evaluate("(type) => artsimMeasure.next(type)", event)
    act()
    steps = page.evaluate("Promise.race([artsimMeasure.run, new Promise((done) => setTimeout(done, 60000, null))])")
    if steps is None or steps.pop("state") != "matches" or steps.pop("broken", False):
        notices = page.locator("#results .notice").all_inner_texts()
        raise ArtsimError(f"A search did not end with a gallery. The page shows: {' '.join(notices) or 'nothing'}")
    page.wait_for_timeout(_SETTLE_MS)
    after = _server_seconds(app)
    steps |= {f"server_{name}_ms": 1000 * (after[name] - before[name]) for name in after}
    return {name: round(value, 1) for name, value in steps.items()} | {"shifted": _layout_shifts(page)}


def _server_seconds(app: RunningApp) -> dict[str, float]:
    """Cumulative seconds of whole searches, the encoder and the index, and of processor time of the whole app."""
    with urllib.request.urlopen(f"{app.url}metrics", timeout=30) as answer:
        text = answer.read().decode()
    sums = dict.fromkeys(("search", "encode", "index"), 0.0)
    for step, seconds in _STEP_SECONDS.findall(text):
        sums[step] += float(seconds)
    processor = _CPU_SECONDS.search(text)
    return sums if processor is None else {**sums, "processor": float(processor[1])}


def _summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Median and worst time of each step."""
    names = [name for name in runs[0] if name.endswith("_ms") and all(name in run for run in runs)]
    median = {name: round(float(np.median([run[name] for run in runs])), 1) for name in names}
    worst = {name: max(run[name] for run in runs) for name in names}
    return {"p50": median, "worst": worst}


class _Weight:
    """Bytes transferred while a page opens, by owner: ours, gradio, thumbnails."""

    def __init__(self, page: Any) -> None:
        self._owner: dict[str, str] = {}
        self._sent: dict[str, float] = {}
        self._unpacked: dict[str, int] = {}
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.on("Network.responseReceived", self._received)
        devtools.on("Network.dataReceived", self._data)
        devtools.on("Network.loadingFinished", self._finished)

    def _received(self, event: Any) -> None:
        self._owner[event["requestId"]] = _owner_of(urlsplit(event["response"]["url"]).path, event["type"])

    def _data(self, event: Any) -> None:
        self._unpacked[event["requestId"]] = self._unpacked.get(event["requestId"], 0) + event["dataLength"]

    def _finished(self, event: Any) -> None:
        self._sent[event["requestId"]] = event["encodedDataLength"]

    def totals(self) -> dict[str, dict[str, int]]:
        """Owner -> requests, bytes sent including headers, and bytes after decompression."""
        totals = {}
        for owner in ("ours", "gradio", "thumbnails"):
            ids = [identity for identity, owner_of_request in self._owner.items() if owner_of_request == owner]
            totals[owner] = {
                "requests": len(ids),
                "sent": round(sum(self._sent.get(identity, 0) for identity in ids)),
                "unpacked": sum(self._unpacked.get(identity, 0) for identity in ids),
            }
        return totals


_OURS = ("/encoder", "/suggestions")


def _owner_of(path: str, kind: str) -> str:
    """Owner of a response. The whole document counts as ours, although part of it is Gradio's."""
    if path.startswith("/thumbnails/"):
        return "thumbnails"
    return "ours" if kind == "Document" or path.startswith("/art/") or path in _OURS else "gradio"


def _print(results: dict[str, Any], shifts: dict[str, dict[str, Any]]) -> None:
    for name in ("drop", "click"):
        median, worst = results[name]["p50"], results[name]["worst"]
        print(f"{name}: gallery after p50 {median['painted_ms']:.0f} ms, worst {worst['painted_ms']:.0f} ms; of these")
        for step, elapsed in median.items():
            print(f"  p50 {elapsed:8.1f} ms  worst {worst[step]:8.1f} ms  {step}")
    opened = results["opened"]
    print(
        f"opening: first byte after {opened['first_byte_ms']:.0f} ms, first picture after {opened['picture_ms']:.0f} ms"
    )
    for owner, weight in results["bytes"].items():
        print(f"  {weight['sent'] / 1e3:8.0f} kB sent, {weight['unpacked'] / 1e3:8.0f} kB unpacked, {owner}")
    for when, shifted in shifts.items():
        print(f"  layout shift {_total_shift(shifted):.4f} on {when} {', '.join(shifted['moved'])}")
