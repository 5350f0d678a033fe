"""Take the screenshots of README and docs in a real Chromium, into docs/screenshots.

    python scripts/take_screenshots.py

Starts the app on the embedded paintings with a cache of its own, so that the pictures show no private works. Needs
playwright and a Chromium (set CHROMIUM to its path).
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _clone  # noqa: F401
from PIL import Image

from artsim.images.thumbnails import WHOLE

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 300_000  # bytes per picture
WORK, OTHER, PHOTOGRAPHED = "met-436579", "met-437430", "met-435641"


@dataclass(frozen=True)
class Shot:
    """One screenshot: address, action on the page, window size, colour scheme."""

    name: str
    address: str
    act: Callable[[Any], None] = lambda page: None
    width: int = 1280
    height: int = 860
    scheme: str = "light"


def settle(page: Any) -> None:
    """Wait until searches are answered and pictures loaded."""
    page.wait_for_timeout(400)
    page.wait_for_function("!document.body.dataset.busy && !document.querySelector('[data-progress]')", timeout=120_000)
    page.wait_for_timeout(1500)


def open_detail(page: Any) -> None:
    page.locator("#results .card-face").first.click()
    page.wait_for_selector("dialog.detail[open]")


def show_works(page: Any) -> None:
    """Scroll past the line that names a folder of this machine."""
    page.evaluate("document.querySelectorAll('h2')[0].scrollIntoView()")


def photograph(page: Any) -> None:
    """Search with a simulated photograph of a work: framed, on a wall, askew."""
    from artsim.evaluation.distortions import generator
    from artsim.evaluation.museum_photographs import framed

    picture = page.request.get(f"{page.url}thumbnails/{WHOLE}/{PHOTOGRAPHED}").body()
    buffer = io.BytesIO()
    framed(Image.open(io.BytesIO(picture)).convert("RGB"), generator(3, "1", "framed")).image.save(buffer, "JPEG")
    files = [{"name": "photograph.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}]
    page.locator("input[type=file]").first.set_input_files(files)
    page.wait_for_selector(".recognised")


SHOTS = (
    Shot("recognition", "", photograph),
    Shot("words", "?text=virgin"),
    Shot("search", ""),
    Shot("results", f"?work={WORK}"),
    Shot("results-dark", f"?work={WORK}", scheme="dark"),
    Shot("results-phone", f"?work={WORK}", width=390, height=844),
    Shot("detail", f"?work={WORK}", open_detail),
    Shot("against", f"?work={WORK}&not={OTHER}"),
    Shot("map", "map"),
    Shot("browse", "browse"),
    Shot("path", f"path?from={WORK}&to={OTHER}"),
    Shot("compare", f"compare?a={WORK}&b={OTHER}"),
    Shot("timeline", f"timeline?work={WORK}"),
    Shot("duplicates", "duplicates"),
    Shot("evaluation", "evaluation?label=artist"),
    Shot("why", f"why?work={WORK}&match={OTHER}"),
    Shot("collection", "collection", show_works),
    Shot("how", "how"),
    Shot("echoes", f"echoes?work={PHOTOGRAPHED}"),
    Shot("german", f"de?work={WORK}"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots", help="folder for the screenshots")
    parser.add_argument("--only", nargs="*", help="names of the screenshots to take (default: all)")
    arguments = parser.parse_args()
    from benchmarking.running import find_chromium, running_app

    chromium = find_chromium()
    if chromium is None:
        print("There is no Chromium here; set CHROMIUM to the path of one.", file=sys.stderr)
        return 1
    chosen = [shot for shot in SHOTS if not arguments.only or shot.name in arguments.only]
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache, running_app(Path(cache)) as app:
        app.wait_for_encoder()
        take(chosen, app.url, chromium, arguments.out)
    return 0


def take(shots: list[Shot], address: str, chromium: str, out: Path) -> None:
    from benchmarking.running import CHROMIUM_OPTIONS
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        for shot in shots:
            page = browser.new_page(
                viewport={"width": shot.width, "height": shot.height},
                color_scheme=shot.scheme,
                locale="en-GB",
                bypass_csp=True,  # wait_for_function evaluates strings
            )  # type: ignore[arg-type]
            page.goto(address + shot.address)
            settle(page)
            shot.act(page)
            settle(page)
            path = out / f"{shot.name}.webp"
            path.write_bytes(compressed(page.screenshot()))
            print(f"{path.name}: {path.stat().st_size // 1000} kB")
            page.close()
        browser.close()


def compressed(png: bytes) -> bytes:
    """The picture as WebP: the highest quality that fits into `LIMIT` bytes, else the lowest."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in (90, 82, 74, 66, 50):
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= LIMIT:
            break
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
