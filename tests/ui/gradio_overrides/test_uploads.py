"""Uploaded pictures: as files that nothing has opened, and from nowhere but the uploads."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from tiny_apps import Endpoint, app_of, ask, components_of, launched, still_needed

from artsim.messages.strings import load_strings
from artsim.ui.gradio_overrides.no_stubs import WithoutStub
from artsim.ui.gradio_overrides.uploads import PictureFile, file_json, save_upload, upload_folder, uploaded_path

STRINGS = load_strings()
REFUSAL = STRINGS("notice.url")
NO_PICTURE = b"no picture at all"


class Named(gr.Image, metaclass=WithoutStub):
    """`gr.Image` under another name."""


def endpoint(picture: gr.Component) -> Endpoint:
    return str, [picture], gr.Textbox()


@pytest.fixture(scope="module")
def ours(uploads: Path, looked_up: list[str]) -> Iterator[str]:
    with launched(app_of(picture=endpoint(PictureFile(STRINGS)))) as address:
        yield address


@pytest.fixture
def outside(tmp_path: Path, painting: bytes) -> Path:
    """A picture of this machine that no one uploaded."""
    path = tmp_path / "private.jpg"
    path.write_bytes(painting)
    return path


def test_an_upload_is_handed_out_as_its_file_unopened(ours: str, uploads: Path) -> None:
    path = save_upload(NO_PICTURE)
    assert Path(path).read_bytes() == NO_PICTURE and Path(upload_folder()) == uploads
    assert uploaded_path(path, REFUSAL) == Path(path).resolve()
    assert ask(ours, "picture", file_json(path))["data"] == [path]
    assert ask(ours, "picture", None)["data"] == ["None"]
    assert components_of(ours)[0]["type"] == "image"


def test_an_address_is_refused_and_never_fetched(ours: str, looked_up: list[str]) -> None:
    assert ask(ours, "picture", file_json("http://ours.invalid/a.jpg"))["error"] == REFUSAL
    assert "ours.invalid" not in looked_up


def test_gradio_still_opens_pictures_takes_any_path_and_fetches_addresses(
    uploads: Path, outside: Path, looked_up: list[str]
) -> None:
    named, as_it_is = Named(type="filepath"), gr.Image(type="filepath", image_mode=None)
    with launched(app_of(picture=endpoint(named), as_it_is=endpoint(as_it_is))) as plain:
        opened = ask(plain, "picture", file_json(save_upload(NO_PICTURE)))
        unmarked = ask(plain, "as_it_is", {"path": str(outside), "orig_name": outside.name})
        ask(plain, "picture", file_json("http://plain.invalid/a.jpg"))
        drawn = components_of(plain)[0]["type"]
    still_needed("error" in opened and "data" not in opened, "PictureFile in uploads")
    still_needed(unmarked.get("data") == [str(outside)], "UploadsOnly.uploaded in uploads")
    still_needed("plain.invalid" in looked_up, "UploadsOnly in uploads")
    still_needed(drawn != "image", "PictureFile.get_block_name in uploads")
