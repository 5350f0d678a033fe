"""`artsim info`: what a folder or a dataset on the Hub holds, and one sentence where there is nothing to tell."""

import json
from pathlib import Path

import pytest
from hub_server import HubServer

import artsim
from artsim.cli.main import main
from artsim.errors import CollectionError, HubError


def test_a_folder_is_told_as_text_and_as_json(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(saved)]) == 0
    text = capsys.readouterr().out
    assert "40 works" in text
    assert "title (string)" in text

    assert main(["info", "--json", str(saved)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["works"], told["format_version"], told["artsim_version"]) == (40, 1, artsim.__version__)
    assert {"id", "image", "title", "artist", "year", "tags"} <= told["columns"].keys()
    assert not any("subject" in name for name in told["columns"]), "columns of vectors are told with their space"
    (space,) = told["spaces"]
    (record,) = artsim.open_collection(saved).manifest.spaces
    assert (space["encoder"], space["revision"], space["index_type"]) == (record.encoder, record.revision, "flat")
    assert space["aspects"] == dict(record.dims)
    for name in ("data", "index"):
        assert told["bytes"][name] == sum(path.stat().st_size for path in (saved / name).iterdir())
    assert told["problems"] == {}


def test_a_damaged_file_is_named_and_the_exit_code_is_1(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = next((copy / "index").glob("*.faiss"))
    index.write_bytes(b"x")
    assert main(["info", str(copy)]) == 1
    assert f"Damaged   index/{index.name} has 1 bytes instead of" in capsys.readouterr().out


def test_data_that_cannot_be_read_is_refused(copy: Path) -> None:
    next((copy / "data").iterdir()).write_bytes(b"x")
    with pytest.raises(CollectionError, match="cannot be read as parquet"):
        main(["info", str(copy)])


def test_a_published_collection_is_told_without_fetching_it(
    hub: HubServer, saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    artsim.publish(saved, "artist/paintings")
    hub.clear_requests()
    assert main(["info", "--json", "artist/paintings"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["commit"] == hub.commits("artist/paintings", "dataset")[0].sha
    assert (told["works"], told["columns"]["image"]) == (40, "image")
    assert not any("faiss" in request.path for request in hub.requests)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="the Hub is switched off here"):
        main(["info", "artist/paintings"])
