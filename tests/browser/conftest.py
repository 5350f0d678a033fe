"""A real Chromium on the real app. Without a Chromium these tests are skipped, or fail if ARTSIM_REQUIRE_BROWSER=1.

A test that makes a `visit` runs on a desktop with a mouse, and, as a `sweep`, on a phone with a touch screen. One that is
about a device (a keyboard, dragging files), or about both, says so:
`@pytest.mark.parametrize("size", ["desktop", "phone"], indirect=True)`.
"""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from app_process import RunningApp
from benchmarking.running import CHROMIUM_OPTIONS, find_chromium
from PIL import Image, ImageOps

_OPTIONS = [
    *CHROMIUM_OPTIONS,
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--test-third-party-cookie-phaseout",
    "--disable-features=LocalNetworkAccessChecks",  # a page of a public site may have the app, on this machine, in a frame
    "--process-per-site",  # in a process that has its scripts, a page takes a third less: see `_new_context`
]
SIZES: dict[str, dict[str, Any]] = {
    "desktop": {"width": 1440, "height": 900},
    "phone": {"width": 390, "height": 844, "has_touch": True, "is_mobile": True},
}
_LEFT = "AbortError: signal is aborted without reason"
"""What Gradio's client says when the page is left for another one while it connects: on a slow machine."""
_STILL = """(pause) => new Promise((done) => {
    const end = () => { watcher.disconnect(); done(); };
    let timer = setTimeout(end, pause);
    const watcher = new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(end, pause); });
    watcher.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    setTimeout(end, 3000);
})"""


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """One for the tests here, which run one after another. While it runs, so does playwright's event loop in this thread, and
    no test elsewhere could call `asyncio.run`."""
    path = find_chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        message = "no Chromium and playwright here (set CHROMIUM to the path of one; pip install playwright)"
        (pytest.fail if os.environ.get("ARTSIM_REQUIRE_BROWSER") == "1" else pytest.skip)(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(params=["desktop", pytest.param("phone", marks=pytest.mark.sweep)])
def size(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What a visitor's screen is like: see `SIZES`."""
    return SIZES[request.param]


@pytest.fixture(scope="session")
def mine(met_works: list[dict[str, Any]]) -> tuple[bytes, dict[str, Any]]:
    """A real painting as a phone stores it: lying on its side, with EXIF data that say so; and the work that it is of.

    It is mirrored, so it is recognised as no work, and the results stay those of the picture.
    """
    work = met_works[50]
    image = ImageOps.mirror(Image.open(io.BytesIO(work["image"]["bytes"])).convert("RGB"))
    image = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85, exif=exif)
    return buffer.getvalue(), work


class Visit:
    """One visitor: a page, and what it must never do (errors in the console, requests to elsewhere)."""

    def __init__(self, page: Any, app: RunningApp, start: str, *, touch: bool, init: str) -> None:
        self.page, self.touch = page, touch
        self.complaints: list[str] = []
        self._app, self._host = app, urlsplit(app.url).netloc
        page.set_default_timeout(120_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        if init:
            page.add_init_script(init)
        self.go(start)

    def go(self, address: str) -> None:
        """To a page of the app, `map` or `?work=ID`, until it is there and has answered."""
        self.page.goto(f"{self._app.url}{address}")
        if address.startswith("?"):
            self.page.wait_for_selector('#results [data-restored="link"]')
            self.settle()
        else:
            self.page.wait_for_selector("h1" if address else "body[data-drawn] #results .card")
            self.page.wait_for_selector("[data-progress]", state="detached")  # such a page reloads itself at the end

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not message.text.startswith(_LEFT):
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self.complaints.append(f"asked {request.url}")

    def settle(self) -> None:
        """Until the running search has answered, and the page has been told that it is over."""
        self.still(60)
        self.page.wait_for_function("!document.body.dataset.busy")
        self.still(60)

    def still(self, pause: int = 100) -> None:
        """Until the page has not changed for so many milliseconds."""
        self.page.evaluate(_STILL, pause)

    def closed(self) -> None:
        """Until the detail that was closed is no step of the history any more: going back would show it over the next."""
        self.page.wait_for_function("!new URLSearchParams(location.search).has('detail')")

    def press(self, target: str | Any) -> None:
        """A click, or on a phone a tap, on what a selector or a locator names."""
        place = self.page.locator(target).first if isinstance(target, str) else target
        place.evaluate("(place) => place.closest('.beyond > .grid')?.parentElement.setAttribute('open', '')")
        (place.tap if self.touch else place.click)()

    def press_at(self, x: float, y: float) -> None:
        (self.page.touchscreen.tap if self.touch else self.page.mouse.click)(x, y)

    def show_all(self) -> None:
        """Unfolds the matches that are not close; they stay unfolded for the visit."""
        self.page.evaluate("document.querySelector('.beyond')?.setAttribute('open', '')")

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """By the mouse, or with a finger."""
        if self.touch:
            self.fingers([start], [end])
            return
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=3)
        self.page.mouse.up()

    def spread(self, x: float, y: float) -> None:
        """Two fingers that go apart around a place."""
        self.fingers([(x - 15, y), (x + 15, y)], [(x - 60, y), (x + 60, y)])

    def fingers(self, start: list[tuple[float, float]], end: list[tuple[float, float]], steps: int = 6) -> None:
        """Each finger from where it starts to where it ends, as a touch screen reports it."""
        tell = self.page.context.new_cdp_session(self.page)
        for step in range(steps + 1):
            points = [
                {"x": a[0] + (b[0] - a[0]) * step / steps, "y": a[1] + (b[1] - a[1]) * step / steps, "id": number}
                for number, (a, b) in enumerate(zip(start, end, strict=True))
            ]
            kind = "touchMove" if step else "touchStart"
            tell.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        tell.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        tell.detach()

    def unfold(self) -> None:
        """On a phone the query is a strip, until it is unfolded."""
        if self.touch and self.page.locator("body[data-unfolded]").count() == 0:
            self.press(".unfold")

    def upload(self, *, name: str, data: bytes, kind: str = "image/jpeg") -> None:
        file = {"name": name, "mimeType": kind, "buffer": data}
        self.page.set_input_files('#query input[type="file"]', files=[file])
        self.settle()

    def titles(self) -> list[str]:
        return self.page.locator("#results .card .title").all_text_contents()

    def heading(self) -> str:
        return self.page.locator("#results :is(h1, h2)").first.inner_text()

    def scrolls_sideways(self) -> bool:
        return self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


@pytest.fixture(scope="package")
def idle_contexts() -> dict[bool, list[Any]]:
    """Contexts of visitors who have left, without and with a touch screen: the next have the files of the page in their
    cache."""
    return {False: [], True: []}


@pytest.fixture
def visit(
    chromium: Any, app: RunningApp, size: dict[str, Any], idle_contexts: dict[bool, list[Any]]
) -> Iterator[Callable[..., Visit]]:
    """`visit()`: a fresh visitor, on a desktop or a phone; at the end, nothing may have gone wrong unseen, or be
    wider than the screen.

    They come to the search, or with `start="map"` to that page. `init` is a script that runs before those of the page. More
    may be another `width` and `height`, `color_scheme` and `reduced_motion`.
    """
    contexts, visits = [], []
    touch = bool(size.get("has_touch"))

    def make(start: str = "", init: str = "", permissions: Sequence[str] = (), **more: Any) -> Visit:
        context = idle_contexts[touch].pop() if idle_contexts[touch] else _new_context(chromium, app, size)
        contexts.append(context)
        if permissions:  # an empty list would deny all
            context.grant_permissions(list(permissions))
        page = context.new_page()
        if "width" in more:
            page.set_viewport_size({name: more.pop(name) for name in ("width", "height")})
        page.emulate_media(**more)
        visits.append(Visit(page, app, start, touch=touch, init=init))
        return visits[-1]

    yield make
    wide = [one.page.url for one in visits if one.scrolls_sideways()]
    complaints = [
        complaint for one in visits for complaint in one.complaints
    ]  # before they leave: that aborts requests
    for context in contexts:
        _forget(context, app.url)
        idle_contexts[touch].append(context)
    assert (complaints, wide) == ([], [])


def _new_context(chromium: Any, app: RunningApp, size: dict[str, Any]) -> Any:
    """A context with one page of the app, which stays open and keeps the process, and with it the compiled scripts, for the
    pages of all visitors."""
    options = dict(size)
    viewport = {name: options.pop(name) for name in ("width", "height")}
    context = chromium.new_context(viewport=viewport, **options)
    context.new_page().goto(f"{app.url}healthz")
    return context


def _forget(context: Any, origin: str) -> None:
    """Close the pages of a visitor and remove all that the app has stored with them, but the cache."""
    staying, *left = context.pages
    for page in left:
        page.close()
    tell = context.new_cdp_session(staying)
    tell.send(
        "Storage.clearDataForOrigin", {"origin": origin.rstrip("/"), "storageTypes": "cookies,local_storage,indexeddb"}
    )
    tell.detach()
    context.clear_cookies()
    context.clear_permissions()
