"""The owner's page in a real browser, on an app of its own: works are added, edited, removed, saved and published."""

import base64
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_process import RunningApp, running_app
from hub_server import HubServer
from PIL import Image

from artsim import open_collection

pytestmark = [pytest.mark.browser, pytest.mark.slow]

desktop_only = pytest.mark.parametrize("size", ["desktop"], indirect=True)

DROP = """(files) => {
    const dataTransfer = new DataTransfer();
    for (const [name, data] of files) {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name));
    }
    document.querySelector("footer").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
}"""
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def folder(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of paintings."""
    return Path(shutil.copytree(saved, tmp_path_factory.mktemp("mine") / "paintings"))


@pytest.fixture(scope="module")
def app(chromium: Any, folder: Path) -> Iterator[RunningApp]:
    """The app over `folder`, for both visitors; its Hub is the one of the tests."""
    with running_app(folder.parent / "cache", "--collection", str(folder), HF_HUB_OFFLINE="0") as app:
        yield app


@pytest.fixture
def owner(visit: Callable[..., Any]) -> Iterator[Any]:
    """A visitor who is the owner, on their page."""
    visitor = visit("collection")
    visitor.page.on("dialog", lambda dialog: dialog.accept())
    yield visitor
    # While another collection is being opened, the app does not answer; the page handles that.
    visitor.complaints[:] = [complaint for complaint in visitor.complaints if "ERR_CONNECTION_REFUSED" not in complaint]


def png(*seed: int) -> bytes:
    """A unique picture: random coloured patches."""
    patches = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(patches).resize((160, 160), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def add(owner: Any, files: Files) -> None:
    """Add files: by drag and drop on a desktop, with the file chooser on a phone."""
    if not owner.touch:
        owner.page.evaluate(DROP, [[name, base64.b64encode(data).decode()] for name, data in files.items()])
        return
    with owner.page.expect_file_chooser() as chooser:
        owner.press('#drop [data-action="files"]')
    chooser.value.set_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files.items()]
    )


def count(owner: Any) -> int:
    return int(owner.page.locator("#works caption").inner_text().split()[-1])


def until(owner: Any, selector: str, text: str) -> None:
    owner.page.locator(selector, has_text=text).first.wait_for()


def test_works_are_added_reported_edited_and_removed_and_the_search_follows(
    owner: Any, visit: Callable[..., Any], folder: Path
) -> None:
    name = "phone" if owner.touch else "desktop"  # part of file names, to tell the works of the two visitors apart
    page, before = owner.page, count(owner)
    same_file = open_collection(folder).picture("07.jpg")
    buffer = io.BytesIO()
    Image.open(io.BytesIO(open_collection(folder).picture("11.jpg"))).save(buffer, "PNG")
    rings, slope = f"rings-{name}.png", f"slope-{name}.png"
    files = {
        rings: png(1, owner.touch), slope: png(2, owner.touch), "again.jpg": same_file, f"scan-{name}.png": buffer.getvalue(),
        "broken.jpg": b"no picture", "notes.txt": b"-", ".hidden": b"-",
        "metadata.csv": f"file_name,title,artist\n{rings.upper()},Rings,Ada\n".encode(),
    }  # fmt: skip
    held: list[Any] = []
    page.route(f"**/collection/file?name=slope-{name}*", lambda route: held.append(route))
    add(owner, files)
    until(owner, "#intake .phase", "The files are being sent.")
    page.locator("#intake progress").wait_for()
    until(owner, "#intake .fine", "of 5 files sent")
    other = visit()  # searching still works meanwhile
    other.press("#results .card-face")
    other.page.wait_for_selector('[data-state="matches"] .badge')
    [route] = held
    route.continue_()

    until(owner, "#intake .phase", "Finished: 2 works were added.")
    text = page.inner_text("#intake")
    for words in (
        "Rows of the tables that found their pictures: 1.",
        "The same file is already in the collection: 1",
        "Shows a work that is in the collection: 1",
        "read: 2",
    ):
        assert words in text
    until(owner, "#works caption", f"{before + 2} of {before + 2}")
    first = page.locator("#works tbody tr").nth(1).inner_text()
    assert "Rings" in first and ("Ada" in first) is not owner.touch
    assert not owner.scrolls_sideways()
    page.locator("#intake li input").first.check()
    owner.press("#intake button:has-text('anyway')")
    until(owner, "#works caption", f"{before + 3} of {before + 3}")
    until(owner, "#intake .phase", "Finished: 3")

    page.fill("#works [name=q]", slope)
    owner.press("#works .find button")
    until(owner, "#works caption", f"1 of {before + 3}")
    owner.press("#works tbody a")
    page.fill("#work [name=year]", "1999")
    page.fill("#work [name=tags]", "Slopes\nGrey")
    assert not owner.scrolls_sideways()
    owner.press("#work [type=submit]")
    until(owner, "#unsaved", "edited works: 1")
    page.locator("#works tbody input").first.check()
    owner.press("[data-action=remove]")
    until(owner, "#unsaved", "removed works: 1")
    owner.press("#unsaved button:has-text('Undo')")
    until(owner, "#works caption", f"1 of {before + 3}")
    page.fill("#about-collection [name=description]", f"Seen on a {name}.")
    owner.press("#about-collection [type=submit]")
    until(owner, "#unsaved", "details of the collection")
    owner.press("#unsaved button:has-text('Save')")
    page.locator("#unsaved").wait_for(state="hidden")

    opened = open_collection(folder)
    assert len(opened) == before + 3
    assert (opened.work(slope)["year"], opened.work(slope)["tags"]) == (1999, ["Slopes", "Grey"])
    assert opened.manifest.source["description"] == f"Seen on a {name}."
    owner.go("")
    assert f"{before + 3} works" in page.text_content("#masthead")  # a phone shows it in the results only


@desktop_only
def test_adding_can_be_cancelled(owner: Any) -> None:
    page, before = owner.page, count(owner)
    page.route("**/collection/file?*", lambda route: None)  # never answered
    add(owner, {f"late-{number}.png": png(3, number) for number in range(5)})
    until(owner, "#intake .phase", "The files are being sent.")
    owner.press("#intake button:has-text('Cancel')")
    until(owner, "#intake .phase", "Cancelled: 0 works were added, the others were not.")
    page.evaluate("addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), { capture: true })")
    owner.go("collection")
    assert count(owner) == before


@desktop_only
def test_a_collection_is_published(owner: Any, hub: HubServer) -> None:
    repo = "artist/shown"
    owner.page.fill("#publish [name=repo]", "nobody/shown")
    owner.press("#publish [type=submit]")
    until(owner, "#publication .notice", "nobody")
    owner.page.fill("#publish [name=repo]", repo)
    owner.page.select_option("#publish [name=license]", "cc0-1.0")
    owner.page.check("#publish [name=private]")
    owner.press("#publish [type=submit]")
    owner.page.locator("#publication a", has_text=repo).wait_for()
    assert "artsim.json" in hub.files(repo, "dataset")


@desktop_only
def test_a_new_collection_is_made_and_opened_and_the_first_is_reopened(owner: Any, folder: Path) -> None:
    page, title = owner.page, open_collection(folder).manifest.title
    page.check("input[value=new]")
    page.fill("#new-title input", "Two")
    add(owner, {"a.png": png(5), "b.png": png(6)})
    owner.press("#intake button:has-text('Open the new collection')")
    until(owner, "#opening", "artsim opens it now")
    until(owner, "h1", "My collection: Two")
    assert page.locator("#works tbody tr").count() == 2
    owner.press(".shelf button:has-text('Open')")
    until(owner, "h1", f"My collection: {title}")
