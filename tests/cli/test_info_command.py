"""`artsim info`: what a folder or a dataset on the Hub holds, and one sentence where there is nothing to tell."""

import dataclasses
import json
from pathlib import Path

import pytest
from hub_server import HubServer
from synthetic import make_collection

import artsim
from artsim.cli.main import main
from artsim.errors import CollectionError, HubError
from artsim.snapshot import space as space_module
from artsim.snapshot import space_statistics
from artsim.snapshot.edits import embedded_works_of


def test_a_folder_is_told_as_text_and_as_json(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(saved)]) == 0
    text = capsys.readouterr().out
    assert "40 works" in text
    assert "title (string)" in text

    assert main(["info", "--json", str(saved)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["works"], told["format_version"], told["artsim_version"]) == (40, 3, artsim.__version__)
    assert {"id", "image", "title", "artist", "year", "tags"} <= told["columns"].keys()
    assert not any("subject" in name for name in told["columns"]), "columns of vectors are told with their space"
    (space,) = told["spaces"]
    manifest = artsim.open_collection(saved).manifest
    (record,) = manifest.spaces
    assert (space["encoder"], space["revision"], space["index_type"]) == (record.encoder, record.revision, "exact")
    assert space["aspects"] == dict(record.dims)
    for kind, names in (("data", [part.file for part in manifest.groups.parts]), ("index", record.files)):
        assert told["bytes"][kind] == sum((saved / name).stat().st_size for name in names)
    assert (told["problems"], told["outgrown"]) == ({}, {})


def test_kind_and_reason_of_an_index_and_advice_to_build_a_collection_again_that_has_grown_fourfold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (space_module, space_statistics):
        monkeypatch.setattr(module, "COMPACT_FROM", 30)
    collection = make_collection(artists=6)
    collection.save(tmp_path / "out")
    assert main(["info", str(tmp_path / "out")]) == 0
    assert "index compact (principal components in 8 bits" in capsys.readouterr().out
    for number in range(3):
        works = embedded_works_of(collection.state, range(30))
        renamed = tuple({**work, "id": f"{work['id']} {number}"} for work in works.works)
        collection.add(dataclasses.replace(works, works=renamed))
        collection.save()
        assert main(["info", str(tmp_path / "out")]) == 0
        advice = "Advice    build it again: space-0 was fitted to 30 works, and there are 120 now"
        assert (advice in capsys.readouterr().out) == (number == 2)


def test_duplicates_are_listed_as_text_and_as_json(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collection = artsim.open_collection(copy)
    first = collection.ids[0]
    collection.add([{"id": "again", "image": collection.picture(first)}])
    collection.save()
    assert main(["info", "--duplicates", str(copy)]) == 0
    text = capsys.readouterr().out
    assert "Doubles   1 beside the best ones of 1 groups" in text
    assert f"{first} (best)" in text and "again: same file" in text
    assert main(["info", "--duplicates", "--json", str(copy)]) == 0
    (group,) = json.loads(capsys.readouterr().out)["duplicates"]
    assert (group["best"], group["ids"]) == (first, [first, "again"])
    assert group["pairs"] == [{"first": first, "second": "again", "relation": "same file", "places": None}]


def test_a_damaged_file_is_named_and_the_exit_code_is_1(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statistics = next(copy.rglob("clip.safetensors"))
    statistics.write_bytes(b"x")
    assert main(["info", str(copy)]) == 1
    name = statistics.relative_to(copy).as_posix()
    assert f"Damaged   {name} has 1 bytes instead of" in capsys.readouterr().out


def test_data_that_cannot_be_read_is_refused(copy: Path) -> None:
    next(copy.rglob("metadata.parquet")).write_bytes(b"x")
    with pytest.raises(CollectionError, match="is not a file of metadata"):
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
    assert not any("index/" in request.path for request in hub.requests)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="the Hub is switched off here"):
        main(["info", "artist/paintings"])
