"""Works from a dataset on the Hub: WikiArt's schema, streamed, fetching only what is read."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import HubServer
from hub_server.faults import Fault
from odd_pictures import encode
from PIL import Image

from artsim import build_collection, open_source
from artsim.errors import ImageError, SourceError
from artsim.sources import read_picture
from artsim.sources.hub.files import OwnFiles

WIKIART = "artist/wikiart"
SHARDS, ROWS = 3, 8  # rows per shard
LABELS = {"artist": 129, "genre": 11, "style": 27}


def picture(seed: int) -> dict[str, Any]:
    pixels = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((40, 30), Image.Resampling.NEAREST)
    return {"bytes": encode(image, "JPEG", quality=95), "path": f"{seed}.jpg"}


@pytest.fixture(scope="module")
def wikiart(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes | Path]:
    """The files of a dataset with the columns of huggan/wikiart, in parquet files of several row groups each."""
    names = {column: [f"{column} {i}" for i in range(n)] for column, n in LABELS.items()}
    features = {"image": datasets.Image(), **{column: datasets.ClassLabel(names=names[column]) for column in LABELS}}
    rows = range(SHARDS * ROWS)
    columns = {
        "image": [picture(i) for i in rows],
        **{column: [row % n for row in rows] for column, n in LABELS.items()},
    }
    works = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    files: dict[str, bytes | Path] = {"README.md": b"---\nlicense: cc-by-4.0\n---\n# WikiArt\n"}
    for i in range(SHARDS):
        path = tmp_path_factory.getbasetemp() / f"train-{i:05}-of-{SHARDS:05}.parquet"
        works.shard(SHARDS, i, contiguous=True).to_parquet(path, batch_size=2)
        files[f"data/{path.name}"] = path
    return files


@pytest.fixture
def wikiart_hub(hub: HubServer, wikiart: dict[str, bytes | Path]) -> HubServer:
    hub.add_repo(WIKIART, "dataset", wikiart)
    return hub


def test_labels_become_names_and_ids_are_row_numbers(wikiart_hub: HubServer) -> None:
    source = open_source(f"hub:{WIKIART}")
    works = list(source.works(0))
    assert [work["id"] for work in works] == [f"train-{i}" for i in range(SHARDS * ROWS)]
    assert [works[13][column] for column in LABELS] == ["artist 13", "genre 2", "style 13"]
    assert works[5]["image"]["bytes"] == picture(5)["bytes"]
    assert list(source.works(ROWS + 1)) == works[ROWS + 1 :]
    assert {key: feature.dtype for key, feature in source.features.items()} == dict.fromkeys(
        ["id", "artist", "genre", "style"], "string"
    )
    assert (source.license, source.has_urls) == ("cc-by-4.0", False)


def test_a_limit_in_the_first_shard_fetches_only_that_shard(wikiart_hub: HubServer, clip: Any, tmp_path: Path) -> None:
    collection = build_collection(open_source(f"hub:{WIKIART}"), clip, tmp_path / "out", limit=4)
    assert collection.ids == ["train-0", "train-1", "train-2", "train-3"]
    assert collection.work("train-3")["style"] == "style 3"
    fetched = {r.path for r in wikiart_hub.requests if r.path.endswith(".parquet") and r.method == "GET"}
    assert [path.rsplit("/", 1)[-1] for path in fetched] == ["train-00000-of-00003.parquet"]


def test_a_revision_can_be_named(wikiart_hub: HubServer) -> None:
    old = wikiart_hub.commits(WIKIART, "dataset")[0].sha
    wikiart_hub.add_commit(WIKIART, "dataset", {"data/train-00000-of-00003.parquet": b"gone"})
    source = open_source(f"hub:{WIKIART}:train@{old}")
    assert next(source.works(0))["style"] == "style 0"
    assert source.fingerprint == f"{WIKIART}:train@{old}"


def test_a_transient_failure_of_the_hub_is_retried(wikiart_hub: HubServer) -> None:
    armed = wikiart_hub.inject(Fault("resolve", method="GET", path="train-00001", status=503))
    assert len(list(open_source(f"hub:{WIKIART}").works(0))) == SHARDS * ROWS
    assert armed.hits == 1


def test_columns_and_fields_other_than_text_numbers_and_lists_are_dropped(hub: HubServer, tmp_path: Path) -> None:
    value, items = datasets.Value, datasets.List
    columns = {
        "picture": (datasets.Image(), picture(1)),
        "id": (value("string"), "one"),
        "words": (items(value("string")), ["red"]),
        "label": (datasets.ClassLabel(names=["a", "b"]), -1),
        "vector": (items(value("float32"), length=2), [1, 2]),
        "blob": (value("binary"), b"x"),
        "box": ({"left": value("int32"), "in": {"top": value("int32")}}, {"left": 1, "in": {"top": 2}}),
    }
    features = datasets.Features({name: feature for name, (feature, _) in columns.items()})
    row = {name: content for name, (_, content) in columns.items()}
    datasets.Dataset.from_list([row], features=features).to_parquet(tmp_path / "a.parquet")
    hub.add_repo(WIKIART, "dataset", {"data/test-00000-of-00001.parquet": tmp_path / "a.parquet"})
    (work,) = open_source(f"hub:{WIKIART}:test").works(0)
    assert {key: value for key, value in work.items() if key != "image"} == {
        "id": "test-0",
        "source_id": "one",
        "words": ["red"],
        "label": None,
        "box.left": 1,
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("artist/none", "Reading the dataset artist/none failed: the Hub has no such repository, or it is private"),
        ("not an id", "is not a Hub dataset id; give NAMESPACE/NAME"),
        (f"{WIKIART}:test", "artist/wikiart has no split test; it has train."),
        (f"{WIKIART}@nowhere", "failed: there is no such revision"),
        ("artist/words", "has no image column; its columns are text"),
        ("artist/empty", "artist/empty, split train, cannot be read"),
        ("museum/gated", "museum/gated failed: the repository is gated. Request access on its page"),
    ],
)
def test_an_unreadable_dataset_is_a_one_line_error(
    wikiart_hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    datasets.Dataset.from_dict({"text": ["a"]}).to_parquet(tmp_path / "words.parquet")
    wikiart_hub.add_repo("artist/words", "dataset", {"train.parquet": tmp_path / "words.parquet"})
    wikiart_hub.add_repo("artist/empty", "dataset")
    wikiart_hub.add_repo("museum/gated", "dataset", {"train.parquet": tmp_path / "words.parquet"}, gated="manual")
    monkeypatch.setenv("HF_TOKEN", wikiart_hub.other_token)
    with pytest.raises(SourceError, match=message) as raised:
        open_source(f"hub:{name}")
    assert "\n" not in str(raised.value)


def test_a_dropped_connection_is_a_source_error(wikiart_hub: HubServer) -> None:
    wikiart_hub.inject(Fault("info", "drop", times=None))
    with pytest.raises(
        SourceError, match=r"artist/wikiart failed: the Hub does not answer \(.*\)\. Check the connection"
    ):
        open_source(f"hub:{WIKIART}")


# --- Rows are a stranger's: what they may name, and what not ------------------------------------------------------------


def asked_elsewhere(hub: HubServer) -> list[str]:
    """Requests for files called private, on the Hub and on the server elsewhere, which is the same one."""
    return [request.path for request in hub.requests if "private" in request.path]


@pytest.fixture
def places(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Where a path may lead to a picture: this machine, its network, another dataset, another revision of this one."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "private.jpg").write_bytes(picture(91)["bytes"])
    monkeypatch.chdir(home)
    other = hub.add_repo("artist/private", "dataset", {"a.jpg": picture(92)["bytes"]}, private=True)
    old = hub.add_repo(WIKIART, "dataset", {"a.jpg": picture(93)["bytes"]})
    return {
        "home": str(home),
        "web": hub.url.replace("127.0.0.1", "localhost"),  # to clients a server of this machine that is no Hub
        "hub": hub.url,
        "other": f"hf://datasets/artist/private@{other}",
        "old": f"hf://datasets/{WIKIART}@{old}",
    }


def add_rows(hub: HubServer, folder: Path, images: Sequence[Any], *, second: Sequence[Any] | None = None) -> str:
    """One parquet file with these values in the column `image`, and in a second one; returns the commit."""
    feature = datasets.Image()
    columns = {"image": images} if second is None else {"image": images, "second": second}
    schema = datasets.Features(dict.fromkeys(columns, feature)).arrow_schema
    pq.write_table(pa.table(columns, schema=schema), folder / "rows.parquet")
    return hub.add_commit(WIKIART, "dataset", {"data/train-00000-of-00001.parquet": folder / "rows.parquet"})


@pytest.mark.parametrize(
    "named",
    [
        "{home}/private.jpg",
        "file://{home}/private.jpg",
        "private.jpg",
        "a.jpg",
        "{web}/private.jpg",
        "{hub}/datasets/artist/private/resolve/main/a.jpg",
        "{other}/a.jpg",
        "{old}/a.jpg",
        "hf://datasets/artist/wikiart/a.jpg",
        "{old}/../../private@main/a.jpg",
        "zip://a.jpg::{home}/private.zip",
        "zip://a.jpg::{web}/private.zip",
        "simplecache::{web}/private.jpg",
    ],
)
def test_a_row_that_names_anything_but_a_file_of_its_dataset_is_left_out(
    hub: HubServer, places: dict[str, str], tmp_path: Path, named: str
) -> None:
    with zipfile.ZipFile(Path(places["home"]) / "private.zip", "w") as archive:
        archive.writestr("a.jpg", picture(94)["bytes"])
    path = named.format(**places)
    add_rows(hub, tmp_path, [picture(1), {"bytes": None, "path": path}, picture(2)])
    hub.clear_requests()

    first, poisoned, last = open_source(f"hub:{WIKIART}").works(0)

    assert [read_picture(work) for work in (first, last)] == [picture(1)["bytes"], picture(2)["bytes"]]
    with pytest.raises(ImageError) as said:
        read_picture(poisoned)
    assert str(said.value).startswith(f"train-1 names {path!r} in place of its picture, which is not read: ")
    assert asked_elsewhere(hub) == []
    assert not [request.path for request in hub.requests if "/main/" in request.path]


def test_names_that_only_look_like_its_own_files_are_told_apart() -> None:
    own = OwnFiles(WIKIART, "0" * 40)
    root = f"hf://datasets/{WIKIART}@{'0' * 40}"
    assert own.holds(f"{root}/train/a #1 é.jpg") and own.holds(f"zip://in/a.jpg::{root}/train.zip")
    for path in (
        f"{root}/../../artist/private/a.jpg", f"{root}/a/../../b.jpg", f"{root}//a.jpg", f"{root}/.", f"{root}/", root,
        f"{root[:-1]}/a.jpg", f"gzip://a.jpg::{root}/a.gz", f"zip://a::zip://b.zip::{root}/a.zip", f"{root}/a::/etc/passwd",
        f"zip://a.jpg::{root}/../a.zip", "", "/", ".", f" {root}/a.jpg", f"HF://datasets/{WIKIART}@{'0' * 40}/a.jpg",
    ):  # fmt: skip
        assert not own.holds(path), path


def test_nothing_is_opened_beside_bytes_or_for_columns_that_nobody_asked_for(
    hub: HubServer, places: dict[str, str], tmp_path: Path
) -> None:
    named = [f"{places['web']}/private.jpg", "private.jpg"]
    images = [{**picture(number), "path": path} for number, path in enumerate(named)]
    add_rows(hub, tmp_path, images, second=[{"bytes": None, "path": path} for path in named])
    works = list(open_source(f"hub:{WIKIART}").works(0))
    assert [work["image"] for work in works] == [{"bytes": picture(number)["bytes"]} for number in (0, 1)]
    assert asked_elsewhere(hub) == []


def image_folder(kind: str) -> Mapping[str, bytes]:
    """The files of an image folder as people publish them: loose, loose with metadata, in a ZIP, and that with metadata."""
    files = {f"{name} #{number}.jpg": picture(number)["bytes"] for number, name in enumerate(("é a", "b", "c"))}
    table = "file_name,title\n" + "".join(f"pictures/{name},Work {n}\n" for n, name in enumerate(files))
    inside = {f"pictures/{name}": data for name, data in files.items()}
    if "metadata" in kind:
        inside["metadata.csv"] = table.encode()
    if "zip" not in kind:
        return {f"train/{name}": data for name, data in inside.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in inside.items():
            archive.writestr(name, data)
    return {"train.zip": buffer.getvalue()}


@pytest.mark.parametrize("kind", ["loose", "zip with metadata"])
def test_pictures_of_an_image_folder_are_fetched_when_they_are_read_and_not_before(hub: HubServer, kind: str) -> None:
    hub.add_repo(WIKIART, "dataset", image_folder(kind))
    works = list(open_source(f"hub:{WIKIART}").works(0))
    fetched = [r.path for r in hub.requests if r.route == "resolve" and r.method == "GET"]
    assert not [path for path in fetched if path.endswith(".jpg")]
    assert sorted(map(read_picture, works)) == sorted(picture(n)["bytes"] for n in range(3))
    if "metadata" in kind:
        assert {work["title"] for work in works} == {"Work 0", "Work 1", "Work 2"}


@pytest.mark.parametrize("name", ["../private.jpg", "{home}/private.jpg", "{web}/private.jpg"])
def test_metadata_of_an_image_folder_do_not_lead_out_of_it(hub: HubServer, places: dict[str, str], name: str) -> None:
    table = f"file_name\n{name.format(**places)}\n1.jpg\n"
    hub.add_commit(WIKIART, "dataset", {"train/1.jpg": picture(1)["bytes"], "train/metadata.csv": table.encode()})
    with pytest.raises(SourceError, match=r"artist/wikiart, split train, cannot be read: .*file_name"):
        list(open_source(f"hub:{WIKIART}").works(0))
    assert asked_elsewhere(hub) == []


@pytest.mark.parametrize("card", ["README.md", ".huggingface.yaml"])
@pytest.mark.parametrize(
    "named", ["{home}/*.jpg", "{web}/private.jpg", "{other}/*.jpg", "{old}/*.jpg", "../private@main/*.jpg"]
)
def test_a_card_that_names_data_elsewhere_is_refused_before_anything_is_looked_for(
    hub: HubServer, places: dict[str, str], named: str, card: str
) -> None:
    path = named.format(**places)
    fence = "---\n" if card == "README.md" else ""
    said = f"{fence}configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: ['*.jpg', '{path}']\n{fence}"
    hub.add_commit(WIKIART, "dataset", {card: said.encode()})
    hub.clear_requests()
    with pytest.raises(SourceError, match="artist/wikiart names data outside of itself") as error:
        open_source(f"hub:{WIKIART}")
    assert repr(path) in str(error.value)
    assert asked_elsewhere(hub) == []


def test_a_card_may_name_its_own_files(hub: HubServer) -> None:
    card = "---\nconfigs:\n- config_name: default\n  data_dir: ''\n  data_files: pictures/*.jpg\n---\n"
    hub.add_repo(WIKIART, "dataset", {"pictures/1.jpg": picture(1)["bytes"], "README.md": card.encode()})
    assert len(list(open_source(f"hub:{WIKIART}").works(0))) == 1


def test_own_files_that_are_missing_damaged_or_too_large_are_sentences(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsim.sources.hub.files.MAX_BYTES", 1_000_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.jpg", picture(1)["bytes"])
        archive.writestr("bomb.jpg", bytes(50_000_000))
    files = {"1.jpg": picture(1)["bytes"], "data/a.zip": buffer.getvalue(), "data/b.zip": b"no archive" * 10}
    commit = hub.add_repo(WIKIART, "dataset", {**files, "data/large.jpg": bytes(1_000_001)})
    own, root = OwnFiles(WIKIART, commit), f"hf://datasets/{WIKIART}@{commit}"
    assert own.read(f"{root}/1.jpg", name="one") == own.read(f"zip://1.jpg::{root}/data/a.zip", name="one")
    for path, reason in (
        (f"{root}/2.jpg", "one names 'PATH', which is not in the dataset."),
        (f"{root}/odd\0 %2e%2e ?a=b\n.jpg", "one names 'PATH', which "),
        (f"zip://2.jpg::{root}/data/a.zip", "one names 'PATH', which is not in the dataset."),
        (f"zip://../1.jpg::{root}/data/a.zip", "one names 'PATH', which is not in the dataset."),
        (f"zip://1.jpg::{root}/data/b.zip", "one names 'PATH', which cannot be read (File is not a zip file)."),
        (f"zip://bomb.jpg::{root}/data/a.zip", "one is larger than 1 MB."),
        (f"{root}/data/large.jpg", "one is larger than 1 MB."),
    ):
        with pytest.raises(ImageError) as said:
            own.read(path, name="one")
        assert str(said.value).replace(repr(path), "'PATH'").startswith(reason), path


def test_a_hub_that_fails_while_a_picture_is_fetched_stops_the_build(hub: HubServer, clip: Any, tmp_path: Path) -> None:
    """A picture that could not be fetched is no bad picture: nothing is left out for that."""
    hub.add_repo(WIKIART, "dataset", image_folder("loose with metadata"))
    armed = hub.inject(Fault("resolve", path="b #1.jpg", status=403, times=None))
    with pytest.raises(SourceError, match=r"Reading the dataset artist/wikiart failed: the Hub answered 403"):
        build_collection(open_source(f"hub:{WIKIART}"), clip, tmp_path / "out")
    assert armed.hits
    assert not (tmp_path / "out.report.json").exists()
