"""What a visitor waits for, in a real browser: from a dropped picture to the gallery; and what the page weighs."""

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
from artsim.opening import open_collection
from artsim.sources import open_source
from artsim.ui.thumbnail_cache import SMALL
from benchmarking.app_in_browser import CHROMIUM_OPTIONS, RunningApp, find_chromium, running_app
from benchmarking.large import FOLDER, large_collection

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
_SIZE = {"width": 1440, "height": 900}
_PATIENCE = 60_000  # milliseconds
_SETTLED = 700  # milliseconds after which nothing moves any more
_MADE_SOON = 500  # works whose thumbnails are made within a minute or two of the start
_PERCENT_CUT = 3  # of every side of a picture that is asked with: so it is none of the collection's own
_TIMES = re.compile(r"^artsim_(search|encode|index)_seconds_sum\{.*\} (\S+)$", re.MULTILINE)
_PROCESSOR = re.compile(r"^process_cpu_seconds_total (\S+)$", re.MULTILINE)


def measure_page(collection: str | None, *, works: int | None, queries: int) -> dict[str, Any]:
    """Serve `collection` (default: the paintings of The Met), or `works` variants of its works, and ask it `queries` times.

    `ArtsimError` when there is no browser, or the collection cannot be served.
    """
    chromium = find_chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        raise ArtsimError(
            "There is no Chromium and playwright here. Set CHROMIUM to the path of one; pip install playwright."
        )
    base = open_collection(collection) if collection else _met()
    if not 1 <= queries < len(base):
        raise ArtsimError(
            f"{base.manifest.title} has pictures for 1 to {len(base) - 1} queries; {queries} are asked for."
        )
    served = large_collection(base, works) if works else base.folder
    assert served is not None  # what was opened has a folder
    with tempfile.TemporaryDirectory() as scratch, running_app("--collection", str(served.resolve())) as app:
        pictures = _other_pictures(base, queries + 1, Path(scratch))
        made = _wait_for_thumbnails(app, works or len(base))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
            found = {"browser": f"Chromium {browser.version}", **_measure(browser, app, pictures)}
            browser.close()
    start = {"page_s": round(app.page_s, 2), "encoder_s": round(app.encoder_s, 2)}
    return {"works": works or len(base), "queries": queries, "thumbnails_made": made, "start": start, **found}


def _met() -> Collection:
    folder = Path(tempfile.gettempdir()) / FOLDER / "met"
    return build_collection(open_source("met"), load_encoder("embedded"), folder)


def _other_pictures(base: Collection, count: int, folder: Path) -> list[Path]:
    """JPEG files of evenly spaced works: cut a little, a shade lighter, compressed again."""
    ids = base.ids
    paths = []
    for row in np.linspace(0, len(ids) - 1, count).astype(int):
        image = load_image(base.picture(ids[row]))
        across, down = (side * _PERCENT_CUT // 100 for side in image.size)
        cut = image.crop((across, down, image.width - across, image.height - down))
        paths.append(folder / f"{row}.jpg")
        ImageEnhance.Brightness(cut).enhance(1.06).save(paths[-1], quality=88)
    return paths


def _wait_for_thumbnails(app: RunningApp, works: int) -> int:
    """Until those of a small collection are made, as they are a minute after the start; how many there are."""

    def made() -> int:
        return len(list(app.cache.glob(f"thumbnails/*/{SMALL}/*.webp")))

    started = time.monotonic()
    while works <= _MADE_SOON and made() < works and time.monotonic() - started < 180:
        time.sleep(1)
    return made()


def _measure(browser: Any, app: RunningApp, pictures: Sequence[Path]) -> dict[str, Any]:
    page = browser.new_page(viewport=_SIZE, locale="en-GB")
    page.set_default_timeout(_PATIENCE)
    page.add_init_script(_SCRIPT)
    weight = _Weight(page)
    page.goto(app.address)
    page.wait_for_selector("#results .card")
    page.wait_for_load_state("load")
    page.wait_for_timeout(3 * _SETTLED)
    found: dict[str, Any] = {"bytes": weight.found()}
    shifts = {"load": _shifted(page)}
    drops = [_timed(page, app, "drop", lambda path=path: _drop(page, path)) for path in pictures]
    clicks = []
    for place in range(min(len(pictures), 12)):
        page.evaluate("artsim.clearQuery()")
        page.wait_for_selector('#results [data-state="empty"] .card')
        page.wait_for_timeout(_SETTLED)
        card = page.locator("#results .card-face").nth(place % page.locator("#results .card-face").count())
        clicks.append(_timed(page, app, "click", card.click))
    page.close()
    for name, asked in (("drop", drops), ("click", clicks)):
        found[name] = {"first": asked[0], **_summary(asked[1:])}  # the first one finds everything cold
        shifts[f"first {name}"] = asked[0].pop("shifted")
        shifts[name] = max((one.pop("shifted") for one in asked[1:]), key=_all_shifts)
    _print(found, shifts)
    return {**found, "layout_shift": shifts}


def _shifted(page: Any) -> dict[str, Any]:
    """The sums of all layout shifts since the last event, and the elements that moved.

    `sum` is at least CLS, which leaves out what moves within half a second of input: that is `after_input`.
    """
    shifts, after_input, moved = page.evaluate("[artsimMeasure.shifts, artsimMeasure.afterInput, artsimMeasure.moved]")
    return {"sum": round(shifts, 4), "after_input": round(after_input, 4), "moved": sorted(set(moved))}


def _all_shifts(shifted: dict[str, Any]) -> float:
    return float(shifted["sum"] + shifted["after_input"])


def _drop(page: Any, path: Path) -> None:
    """A file dropped in the middle of the page, as the browser itself has it from the desktop."""
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": _SIZE["width"] // 2, "y": 300, "data": data})
    devtools.detach()


def _timed(page: Any, app: RunningApp, event: str, act: Callable[[], None]) -> dict[str, Any]:
    """One search, from `event` on: see page.js for the steps in the browser; those of the server are from its /metrics."""
    before = _server(app)
    page.evaluate("(type) => artsimMeasure.next(type)", event)
    act()
    steps = page.evaluate("Promise.race([artsimMeasure.run, new Promise((done) => setTimeout(done, 60000, null))])")
    if steps is None or steps.pop("state") != "matches" or steps.pop("broken", False):
        said = page.locator("#results .notice").all_inner_texts()
        raise ArtsimError(f"A search did not end with a gallery. The page says: {' '.join(said) or 'nothing'}")
    page.wait_for_timeout(_SETTLED)
    after = _server(app)
    steps |= {f"server_{name}_ms": 1000 * (after[name] - before[name]) for name in after}
    return {name: round(value, 1) for name, value in steps.items()} | {"shifted": _shifted(page)}


def _server(app: RunningApp) -> dict[str, float]:
    """Seconds so far: of whole searches, the encoder, the index, and of processor time of the whole app."""
    with urllib.request.urlopen(f"{app.address}metrics", timeout=30) as answer:
        text = answer.read().decode()
    sums = dict.fromkeys(("search", "encode", "index"), 0.0)
    for step, seconds in _TIMES.findall(text):
        sums[step] += float(seconds)
    processor = _PROCESSOR.search(text)
    return sums if processor is None else {**sums, "processor": float(processor[1])}


def _summary(asked: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = [name for name in asked[0] if name.endswith("_ms") and all(name in one for one in asked)]
    middle = {name: round(float(np.median([one[name] for one in asked])), 1) for name in names}
    worst = {name: max(one[name] for one in asked) for name in names}
    return {"p50": middle, "worst": worst}


class _Weight:
    """What comes over the wire while a page is opened, by whose it is."""

    def __init__(self, page: Any) -> None:
        self._whose: dict[str, str] = {}
        self._wire: dict[str, float] = {}
        self._plain: dict[str, int] = {}
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.on("Network.responseReceived", self._received)
        devtools.on("Network.dataReceived", self._more)
        devtools.on("Network.loadingFinished", self._finished)

    def _received(self, event: Any) -> None:
        self._whose[event["requestId"]] = _whose(urlsplit(event["response"]["url"]).path, event["type"])

    def _more(self, event: Any) -> None:
        self._plain[event["requestId"]] = self._plain.get(event["requestId"], 0) + event["dataLength"]

    def _finished(self, event: Any) -> None:
        self._wire[event["requestId"]] = event["encodedDataLength"]

    def found(self) -> dict[str, dict[str, int]]:
        """Whose -> requests, bytes with their headers as they were sent, and bytes as they are unpacked."""
        found = {}
        for whose in ("ours", "gradio", "thumbnails"):
            ids = [identity for identity, other in self._whose.items() if other == whose]
            found[whose] = {
                "requests": len(ids),
                "sent": round(sum(self._wire.get(identity, 0) for identity in ids)),
                "unpacked": sum(self._plain.get(identity, 0) for identity in ids),
            }
        return found


def _whose(path: str, kind: str) -> str:
    """The document counts as ours as a whole, though part of it is Gradio's own."""
    if path.startswith("/thumbnails/"):
        return "thumbnails"
    return "ours" if kind == "Document" or path.startswith("/art/") or path == "/encoder" else "gradio"


def _print(found: dict[str, Any], shifts: dict[str, dict[str, Any]]) -> None:
    for name in ("drop", "click"):
        middle, worst = found[name]["p50"], found[name]["worst"]
        print(f"{name}: gallery after p50 {middle['painted_ms']:.0f} ms, worst {worst['painted_ms']:.0f} ms; of these")
        for step, taken in middle.items():
            print(f"  p50 {taken:8.1f} ms  worst {worst[step]:8.1f} ms  {step}")
    for whose, weight in found["bytes"].items():
        print(f"  {weight['sent'] / 1e3:8.0f} kB sent, {weight['unpacked'] / 1e3:8.0f} kB unpacked, {whose}")
    for when, shifted in shifts.items():
        print(f"  layout shift {_all_shifts(shifted):.4f} on {when} {', '.join(shifted['moved'])}")
