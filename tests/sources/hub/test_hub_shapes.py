"""Hub datasets as people publish them: pictures in any kind of column, in files and ZIPs, with and without tables."""

import io
import random
import zipfile
from collections.abc import Mapping
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import HubServer
from hub_server.calls import Answer
from hub_server.faults import Fault
from loopback_web import serving
from test_hub_source import SHARDS, WIKIART, picture

from artsim import open_source
from artsim.errors import ImageError, SourceError
from artsim.sources import Source, read_picture
from artsim.web.http import is_public

NAME = "artist/works"
PICTURES = [picture(number) for number in range(4)]
FILES = [item["bytes"] for item in PICTURES]


def parquet(columns: Mapping[str, Any], features: Mapping[str, Any] | None = None) -> bytes:
    """A file with these columns; without `features`, they are as Arrow takes them, and nothing declares pictures."""
    buffer = io.BytesIO()
    schema = datasets.Features(features).arrow_schema if features else None
    pq.write_table(pa.table(dict(columns), schema=schema), buffer)
    return buffer.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def read(source: Source) -> list[tuple[dict[str, Any], bytes | str]]:
    """The metadata of each work, and its picture, or why there is none."""

    def picture_of(work: dict[str, Any]) -> bytes | str:
        try:
            return read_picture(work)
        except ImageError as error:
            return str(error)

    return [
        ({key: value for key, value in work.items() if key not in ("id", "image")}, picture_of(work))
        for work in source.works(0)
    ]


TREE = {f"{'ab'[number % 2]}/{number}.jpg": FILES[number] for number in range(4)}
SHAPES: dict[str, tuple[Mapping[str, bytes], list[dict[str, Any]]]] = {
    "files in folders": (
        {f"train/{name}": data for name, data in TREE.items()},
        [{"label": "ab"[number % 2], "title": str(number)} for number in (0, 2, 1, 3)],
    ),
    "a ZIP of folders": (
        {"works.zip": zipped(TREE | {"__MACOSX/a/._0.jpg": b"x", "a/notes.txt": b"x", "../b.jpg": b"x"})},
        [{"label": "ab"[number % 2], "title": str(number)} for number in range(4)],
    ),
    "a ZIP without folders": (
        {"train.zip": zipped({f"{number}.jpg": FILES[number] for number in range(4)})},
        [{"title": str(number)} for number in range(4)],
    ),
    "a table that names some of the files": (
        {f"train/{number}.jpg": FILES[number] for number in range(4)}
        | {"train/metadata.csv": b"file_name,name\n2.jpg,Two\n"},
        [{"title": "Two"}, *({"title": str(number)} for number in (0, 1, 3))],
    ),
    "a table that names several files in a row": (
        {f"train/{number}.jpg": FILES[number] for number in range(4)}
        | {"train/metadata.jsonl": b'{"file_names": ["2.jpg", "1.jpg"], "title": null}\n{"file_names": ["3.jpg"], "title": "T"}'},
        [{"title": "2"}, {"title": "T"}, {"title": "0"}],
    ),
    "a struct that nothing declares": ({"train.parquet": parquet({"photo": PICTURES, "year": [1, 2, 3, 4]})}, []),
    "bytes": ({"train.parquet": parquet({"no": [b"x"] * 4, "photo": [None, *FILES[1:]]})}, []),
    "several pictures of a work": (
        {"train.parquet": parquet(
            {"views": [PICTURES[:2], [], [None, PICTURES[3]], None]},
            {"views": datasets.List(datasets.Image())},
        )},
        [],
    ),
    "no picture in a row": ({"train.parquet": parquet({"image": [PICTURES[0], None]}, {"image": datasets.Image()})}, []),
    "labels that nobody declared": (
        {
            "train.parquet": parquet({"image": PICTURES, "l": [0, 1, 7, -1]}),
            "README.md": b"---\ndataset_info:\n  features:\n  - name: image\n    dtype: image\n  - name: l\n    dtype:\n"
            b"      class_label:\n        names:\n          '0': red\n          '1': blue\n---\n",
        },
        [{"l": "red"}, {"l": "blue"}, {"l": "7"}, {"l": None}],
    ),
    "fields of a struct": (
        {"train.parquet": parquet({
            "image": PICTURES[:2], "year": [1, 2],
            "json": [{"Title": "A", "year": 7, "sha256": "f", "sizes": [3, 4], "exif": {"iso": 1}}, None],
        })},
        [
            {"year": 1, "title": "A", "json.sha256": "f", "json.sizes": [3, 4], "json.year": 7},
            {"year": 2, "title": None, "json.sha256": None, "json.sizes": None, "json.year": None},
        ],
    ),
    "dates": (
        {"train.parquet": parquet(
            {"image": PICTURES[:1], "made": [86_400], "artist_name": ["Ada"]},
            {"image": datasets.Image(), "made": datasets.Value("timestamp[s]"), "artist_name": datasets.Value("string")},
        )},
        [{"made": "1970-01-02", "artist": "Ada"}],
    ),
}  # fmt: skip
READ = {
    "files in folders": [FILES[number] for number in (0, 2, 1, 3)],
    "a table that names some of the files": [FILES[number] for number in (2, 0, 1, 3)],
    "a table that names several files in a row": [FILES[number] for number in (2, 3, 0)],
    "bytes": ["train-0 has no picture.", *FILES[1:]],
    "several pictures of a work": [FILES[0], "train-1 has no picture.", FILES[3], "train-3 has no picture."],
    "no picture in a row": [FILES[0], "train-1 has no picture."],
    "fields of a struct": FILES[:2],
    "dates": FILES[:1],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_and_file_becomes_a_work(hub: HubServer, shape: str) -> None:
    files, columns = SHAPES[shape]
    hub.add_repo(NAME, "dataset", files)
    source = open_source(f"hub:{NAME}")
    works = read(source)
    assert [picture for _, picture in works] == READ.get(shape, FILES)
    if columns:
        assert [work for work, _ in works] == columns
    assert [work["id"] for work in source.works(1)] == [f"train-{number}" for number in range(1, len(works))]


def test_what_was_found_and_how_it_is_used_is_told(hub: HubServer) -> None:
    features = {
        "a": datasets.Image(),
        "b": datasets.Image(),
        "artist_name": datasets.ClassLabel(names=["x", "y"]),
        "json": {"height": datasets.Value("int32"), "exif": {"iso": datasets.Value("int32")}},
        "vector": datasets.List(datasets.Value("float32"), length=2),
    }
    json = {"height": 3, "exif": {"iso": 100}}
    rows = {"a": PICTURES[:1], "b": PICTURES[1:2], "artist_name": [1], "json": [json], "vector": [[1, 2]]}
    card = "".join(
        f"- config_name: {name}\n  data_files:\n  - {{split: test, path: {name}.parquet}}\n" for name in "pq"
    )
    data = parquet(rows, features)
    readme = f"---\nconfigs:\n{card}---\n".encode()
    hub.add_repo(NAME, "dataset", {"README.md": readme, "p.parquet": data, "q.parquet": data})
    with pytest.raises(SourceError, match=r"artist/works has several configurations; give one with --config: p, q."):
        open_source(f"hub:{NAME}")
    with pytest.raises(SourceError, match=r"artist/works has no configuration r; give one with --config: p, q."):
        open_source(f"hub:{NAME}", config="r")
    with pytest.raises(
        SourceError, match=r"The column vector of artist/works holds no pictures; those with pictures are a, b"
    ):
        open_source(f"hub:{NAME}", config="p", image_column="vector")
    with pytest.raises(SourceError, match=r"artist/works has no column c; its columns are a, b"):
        open_source(f"hub:{NAME}", config="p", image_column="c")
    with pytest.raises(SourceError, match=r"--image-column is for other sources; met has no use for it"):
        open_source("met", image_column="c")
    source = open_source(f"hub:{NAME}", config="q", image_column="b")
    assert read(source) == [({"artist": "y", "json.height": 3}, FILES[1])]
    assert source.notes == (
        "Configuration q (--config takes another: p, q).",
        "Split test, of test (hub:artist/works:SPLIT names another).",
        "Pictures: column b. --image-column takes another: a.",
        "Columns: artist_name as artist (words for 2 labels, shown as the artist), json.height (number).",
        "Left out, as artsim keeps texts, numbers and lists of them: vector (list of 2 number), json.exif (fields iso).",
    )
    assert source.fingerprint != open_source(f"hub:{NAME}", config="p", image_column="b").fingerprint


def test_files_that_are_left_out_are_told_and_a_zip_is_opened_once(hub: HubServer) -> None:
    many = {f"{number}.jpg": random.Random(number).randbytes(10_000) for number in range(30)}
    rest = {"0.jpg": FILES[0]}
    hub.add_repo(NAME, "dataset", {"test/a.zip": zipped(many | {"notes.txt": b"x"}), **rest})
    source = open_source(f"hub:{NAME}")
    assert source.notes[:4] == (
        "Split test, of test (hub:artist/works:SPLIT names another).",
        "Files: 30 picture files.",
        "Left out, as they are no pictures: 1, such as notes.txt.",
        "Left out, as they are of no split: 1, such as 0.jpg.",
    )
    hub.clear_requests()
    assert [picture for _, picture in read(source)] == list(many.values())
    assert sum(request.sent for request in hub.requests) < 1_000_000


def test_a_private_dataset_is_read_with_the_token_of_its_owner(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add_repo(NAME, "dataset", {"train.parquet": parquet({"image": PICTURES})}, private=True, gated="manual")
    assert len(read(open_source(f"hub:{NAME}"))) == 4
    monkeypatch.setenv("HF_TOKEN", hub.other_token)
    with pytest.raises(SourceError, match=r"the Hub has no such repository, or it is private.*hf auth login"):
        open_source(f"hub:{NAME}")


@pytest.mark.parametrize("kind", ["status", "cut"])
def test_reading_goes_on_where_the_connection_failed_for_longer_than_the_client_tries(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    """huggingface_hub gives up after six tries; what was read before stays, and the rest is asked for again."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("artsim.web.retries.FIRST_WAIT_S", 0.0)
    names = [f"data/train-{number:05}-of-{SHARDS:05}.parquet" for number in range(SHARDS)]
    rows = {name: parquet({"image": [PICTURES[number]] * 3, "n": [number] * 3}) for number, name in enumerate(names)}
    hub.add_repo(WIKIART, "dataset", rows)
    source = open_source(f"hub:{WIKIART}")
    armed = hub.inject(Fault("resolve", kind, method="GET", path="train-00001", times=8))
    assert [work["n"] for work in source.works(0)] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert armed.hits == 8
    hub.add_repo(NAME, "dataset", {f"{number}.jpg": FILES[number] for number in range(2)})
    armed = hub.inject(Fault("resolve", kind, method="GET", path="1.jpg", times=8))
    assert [picture for _, picture in read(open_source(f"hub:{NAME}"))] == FILES[:2]
    assert armed.hits == 8


def test_what_comes_before_the_first_row_is_not_fetched_again(hub: HubServer) -> None:
    """A build that goes on at row 40,000 would otherwise fetch all pictures before it once more."""
    large = [{"bytes": random.Random(number).randbytes(3_000_000), "path": "x"} for number in range(4)]
    rows = [parquet({"image": large, "n": [0] * 4}), *(parquet({"image": PICTURES, "n": [n] * 4}) for n in (1, 2))]
    hub.add_repo(NAME, "dataset", {f"data/train-0000{n}-of-00003.parquet": data for n, data in enumerate(rows)})
    source = open_source(f"hub:{NAME}")
    hub.clear_requests()
    assert [work["n"] for work in source.works(5)] == [1, 1, 1, 2, 2, 2, 2]
    assert sum(request.sent for request in hub.requests if "train-00000" in request.path) < 6_000_000


# --- Addresses --------------------------------------------------------------------------------------------------------


def test_addresses_are_fetched_only_where_the_owner_says_so_and_never_in_private_networks(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsim.sources.hub.source._RETRIES", 0)
    monkeypatch.setattr("artsim.sources.fetched_pictures.MAX_BYTES", 1_000_000)
    with serving(lambda path: Answer(200, FILES[0]), "127.0.0.2") as (private, seen):
        led = {
            "/gone": Answer(404, b""),
            "/large": Answer(200, bytes(2_000_000)),
            "/there": Answer(302, b"", {"Location": private}),
        }
        with serving(lambda path: led.get(path, Answer(200, FILES[0]))) as (root, asked):
            local = root.replace("127.0.0.1", "localhost")
            addresses = [
                f"{root}/0.jpg",
                None,
                f"{local}/1",
                f"{root}/gone",
                f"{root}/large",
                f"{root}/there",
                f"{private}/x",
            ]
            pages = ["https://museum.example/1"] * len(addresses)
            hub.add_repo(NAME, "dataset", {"train.parquet": parquet({"url": pages, "photo": addresses})})
            with pytest.raises(
                SourceError, match=r"The column photo of artist/works holds addresses .* --fetch-images"
            ):
                open_source(f"hub:{NAME}")
            refused = [str(picture) for _, picture in read(open_source(f"hub:{NAME}", fetch_images=True))]
            assert refused.pop(1) == "train-1 has no picture."
            assert all("is an address of a private network, where nothing is fetched" in reason for reason in refused)
            assert asked == []

            monkeypatch.setattr("artsim.web.http.is_public", lambda host: host == "127.0.0.1")
            source = open_source(f"hub:{NAME}", fetch_images=True)
            works = read(source)
            fetched = [picture for _, picture in works]
        assert (fetched[0], fetched[2], source.has_urls) == (FILES[0], FILES[0], True)
        for reason, words in zip(
            fetched[3:], ("404", "larger than 1 MB", "private network", "private network"), strict=True
        ):
            assert words in str(reason)
        assert {work["image_url"] for work, _ in works} == set(addresses)
        assert seen == []


def test_only_addresses_of_the_internet_are_public() -> None:
    private = (
        "10.0.0.1 127.0.0.1 169.254.169.254 192.168.1.1 100.64.0.1 0.0.0.0 224.0.0.1 ::1 fe80::1%eth0 ::ffff:10.0.0.1"
    )
    assert [host for host in private.split() if is_public(host)] == []
    assert is_public("93.184.216.34") and is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_a_dead_network_stops_the_build_and_dead_servers_do_not(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsim.sources.hub.source._RETRIES", 0)
    images = [
        {"bytes": None, "path": f"http://127.0.0.1:9/{number}.jpg"} for number in range(60)
    ]  # nobody listens there
    hub.add_repo(NAME, "dataset", {"train.parquet": parquet({"image": images})})
    works = list(open_source(f"hub:{NAME}", fetch_images=True).works(0))
    hub.inject(Fault("info", "status", status=401, times=None))
    for work in works[:19]:
        with pytest.raises(ImageError, match=r"was not fetched: no complete response from 127\.0\.0\.1"):
            read_picture(work)
    with pytest.raises(SourceError, match=r"20 pictures in a row could not be fetched.*finished parts are kept"):
        read_picture(works[19])
    hub.clear_faults()
    for work in works[20:]:
        with pytest.raises(ImageError):
            read_picture(work)
