"""Values sent by the page: parsing, and refusal of files that were not uploaded."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import FileData

from artsim.messages.strings import load_strings
from artsim.search.query import Part
from artsim.ui.gradio_overrides.uploads import PictureFile
from artsim.ui.search_form import LONGEST_TEXT, MOST_PARTS, SearchForm
from artsim.ui.search_page.fields import VarietyInput
from artsim.ui.search_page.query_input import AddressData, AddressInput, PartData, QueryData, QueryInput

STRINGS = load_strings()


@pytest.fixture
def upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the upload folder."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    path = tmp_path / "uploads" / "one" / "mine.jpg"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_parts_of_the_page_become_query_parts(upload: Path) -> None:
    sent = [
        {"picture": {"path": str(upload)}, "region": [0.1, 0.2, 0.5, 0.6]},
        {"work": "05.jpg", "weight": -0.5, "title": "any"},
        {"text": "x" * 2 * LONGEST_TEXT},
    ]
    parts = QueryInput(STRINGS).preprocess(QueryData.model_validate({"parts": sent}))
    assert parts == (
        Part(image=upload, region=(0.1, 0.2, 0.5, 0.6)),
        Part(work="05.jpg", weight=-0.5),
        Part(text="x" * LONGEST_TEXT),
    )
    many = QueryData(parts=[PartData(work="05.jpg")] * 500)
    assert len(QueryInput(STRINGS).preprocess(many)) == MOST_PARTS


def test_an_address_is_read_with_its_uploads(upload: Path) -> None:
    sent = AddressData.model_validate({"query": "upload=1", "uploads": [{"path": str(upload)}]})
    assert AddressInput(STRINGS).preprocess(sent) == ("upload=1", [upload])
    assert AddressInput(STRINGS).preprocess(None) == ("", [])


@pytest.mark.parametrize("path", ["/etc/passwd", "{folder}/../secret.jpg", "{folder}-not/mine.jpg", "C:\\mine.jpg", ""])
def test_every_path_outside_the_upload_folder_is_refused(upload: Path, path: str) -> None:
    folder = upload.parents[1]
    (folder.parent / "secret.jpg").touch()
    file = FileData(path=path.format(folder=folder))
    with pytest.raises(gr.Error):
        QueryInput(STRINGS).preprocess(QueryData(parts=[PartData(picture=file)]))
    with pytest.raises(gr.Error):
        AddressInput(STRINGS).preprocess(AddressData(uploads=[file]))
    with pytest.raises(gr.Error):
        PictureFile(STRINGS).preprocess(file)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (None, SearchForm()),
        ("junk", SearchForm()),
        ({"other": "artist", "by": "century"}, SearchForm(other="artist", by="century")),
        ({"column": "artist", "most": 3}, SearchForm(at_most=("artist", 3))),
        ({"other": "shoe", "column": "shoe", "most": 3, "by": "shoe"}, SearchForm()),
        ({"column": "artist", "most": "many"}, SearchForm(at_most=("artist", 1))),
        ({"column": "artist", "most": 10**9}, SearchForm(at_most=("artist", 1))),
    ],
)  # fmt: skip
def test_only_columns_that_are_offered_can_be_chosen(payload: Any, value: SearchForm) -> None:
    field = VarietyInput(["artist"], STRINGS, centuries=True)
    assert field.preprocess(payload) == value
    if payload and value != SearchForm():
        assert field.preprocess(field.postprocess(value)) == value
