"""The owner's page in a real browser, on an app of its own: works are dropped, edited, removed, and still there afterwards."""

import base64
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_process import RunningApp, running_app
from PIL import Image

from artsim import open_collection

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DROP = """(files) => {
    const dataTransfer = new DataTransfer();
    for (const [name, data] of files) {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name));
    }
    document.querySelector("footer").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
}"""


@pytest.fixture(scope="module")
def folder(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(saved, tmp_path_factory.mktemp("mine") / "paintings"))


@pytest.fixture(scope="module")
def own_app(chromium: Any, folder: Path) -> Iterator[RunningApp]:
    with running_app(folder.parent / "cache", "--collection", str(folder)) as app:
        yield app


@pytest.fixture
def page(chromium: Any, own_app: RunningApp) -> Iterator[Any]:
    """The owner's page; nothing may be wrong in its console."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    made, complaints = context.new_page(), []
    made.set_default_timeout(60_000)
    made.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("dialog", lambda dialog: dialog.accept())
    made.goto(f"{own_app.url}collection")
    yield made
    context.close()
    assert complaints == []


def _is_complaint(message: Any) -> bool:
    """While another collection is being opened, the app does not answer, and the page knows."""
    return message.type == "error" and "ERR_CONNECTION_REFUSED" not in message.text


def encoded(image: Image.Image, kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def test_works_are_dropped_edited_and_removed_and_the_search_knows(
    page: Any, own_app: RunningApp, folder: Path
) -> None:
    table = base64.b64encode(b"file_name,title,artist\nrings.png,Rings,Ada\n").decode()
    picture = open_collection(folder).picture("07.jpg")
    files = [
        ["rings.png", encoded(Image.radial_gradient("L"))],
        ["slope.png", encoded(Image.linear_gradient("L"))],
        ["again.jpg", base64.b64encode(picture).decode()],
        ["notes.txt", ""],
        [".hidden", ""],
        ["metadata.csv", table],
    ]
    page.evaluate(DROP, files)
    page.locator("#intake .phase", has_text="Finished: 2 works were added.").wait_for()
    assert "not a picture that artsim reads" in page.inner_text("#intake")
    page.locator("#works caption", has_text="42 of 42").wait_for()
    assert page.locator("#works tbody tr").nth(1).inner_text().split() == ["Rings", "Ada", "Edit", "Rings"]

    page.check("#intake li input")
    page.click("#intake button:has-text('anyway')")
    page.locator("#works caption", has_text="43 of 43").wait_for()
    page.locator("#intake .phase", has_text="Finished: 3").wait_for()

    page.locator("#works tbody a").nth(1).click()
    page.fill("#work [name=year]", "1999")
    page.fill("#work [name=tags]", "Slopes\nGrey")
    page.click("#work [type=submit]")
    page.locator("#unsaved", has_text="edited works: 1").wait_for()
    page.locator("#works tbody input").first.check()
    page.click("[data-action=remove]")
    page.locator("#works caption", has_text="42 of 42").wait_for()
    page.click("#unsaved button:has-text('Undo')")
    page.locator("#works caption", has_text="43 of 43").wait_for()
    page.click("#unsaved button:has-text('Save')")
    page.locator("#unsaved").wait_for(state="hidden")

    opened = open_collection(folder)
    assert len(opened) == 43
    assert (opened.work("slope.png")["year"], opened.work("slope.png")["tags"]) == (1999, ["Slopes", "Grey"])
    page.goto(own_app.url)
    page.wait_for_selector("#results .card")
    assert "43 works" in page.inner_text("#masthead")


def test_a_new_collection_is_begun_and_opened_and_one_goes_back(page: Any, own_app: RunningApp, folder: Path) -> None:
    page.check("input[value=new]")
    page.fill("#new-title input", "Two gradients")
    page.evaluate(
        DROP, [["a.png", encoded(Image.radial_gradient("L"))], ["b.png", encoded(Image.linear_gradient("L"))]]
    )
    page.click("#intake button:has-text('Open the new collection')")
    page.locator("#opening", has_text="artsim opens it now").wait_for()
    page.locator("h1", has_text="My collection: Two gradients").wait_for()
    assert page.locator("#works tbody tr").count() == 2
    page.click(".shelf button:has-text('Open')")
    page.locator("h1", has_text="My collection: paintings").wait_for()


def test_on_a_phone_nothing_is_wider_than_the_screen(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#works tbody a").first.click()
    page.wait_for_selector("#work")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
