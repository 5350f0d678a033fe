"""Works from a dataset on the Hub: WikiArt's schema, streamed, and nothing fetched that is not read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from hub_faults import Fault
from hub_server import HubServer
from PIL import Image

from artsim import build_collection, open_source
from artsim.errors import SourceError

WIKIART = "artist/wikiart"
SHARDS, ROWS = 3, 8  # rows a shard
LABELS = {"artist": 129, "genre": 11, "style": 27}


def picture(seed: int) -> dict[str, Any]:
    pixels = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((40, 30), Image.Resampling.NEAREST).save(buffer, "JPEG", quality=95)
    return {"bytes": buffer.getvalue(), "path": f"{seed}.jpg"}


def wikiart() -> datasets.Dataset:
    """Rows with the columns of huggan/wikiart: an image and three ClassLabels of 129, 11 and 27 names."""
    names = {column: [f"{column} {i}" for i in range(n)] for column, n in LABELS.items()}
    features = {"image": datasets.Image(), **{column: datasets.ClassLabel(names=names[column]) for column in LABELS}}
    rows = range(SHARDS * ROWS)
    values = {column: [row % n for row in rows] for column, n in LABELS.items()}
    return datasets.Dataset.from_dict(
        {"image": [picture(i) for i in rows], **values}, features=datasets.Features(features)
    )


def shards_of(works: datasets.Dataset, folder: Path) -> dict[str, bytes | Path]:
    """Parquet files of several row groups each, as WikiArt's are."""
    files: dict[str, bytes | Path] = {}
    for i in range(SHARDS):
        path = folder / f"train-{i:05}-of-{SHARDS:05}.parquet"
        works.shard(SHARDS, i, contiguous=True).to_parquet(path, batch_size=2)
        files[f"data/{path.name}"] = path
    return files


@pytest.fixture
def wikiart_hub(hub: HubServer, tmp_path: Path) -> HubServer:
    readme = b"---\nlicense: cc-by-4.0\n---\n# WikiArt\n"
    hub.add_repo(WIKIART, "dataset", {"README.md": readme, **shards_of(wikiart(), tmp_path)})
    hub.clear_requests()
    return hub


def shards_read(hub: HubServer) -> set[str]:
    return {r.path.rsplit("/", 1)[-1][:11] for r in hub.requests if r.path.endswith(".parquet") and r.method == "GET"}


def test_labels_become_names_and_ids_are_row_numbers(wikiart_hub: HubServer) -> None:
    source = open_source(f"hub:{WIKIART}")
    works = list(source.works(0))
    assert [work["id"] for work in works] == [f"train-{i}" for i in range(SHARDS * ROWS)]
    assert [works[13][column] for column in LABELS] == ["artist 13", "genre 2", "style 13"]
    assert works[5]["image"]["bytes"] == picture(5)["bytes"]
    assert {key: feature.dtype for key, feature in source.features.items()} == dict.fromkeys(
        ["id", "artist", "genre", "style"], "string"
    )
    assert (source.license, source.has_urls) == ("cc-by-4.0", False)


def test_a_limit_within_the_first_shard_fetches_only_that_shard(
    wikiart_hub: HubServer, clip: Any, tmp_path: Path
) -> None:
    collection = build_collection(open_source(f"hub:{WIKIART}"), clip, tmp_path / "out", limit=4)
    assert collection.ids == ["train-0", "train-1", "train-2", "train-3"]
    assert collection.work("train-3")["style"] == "style 3"
    assert shards_read(wikiart_hub) == {"train-00000"}


def test_ids_stay_when_reading_goes_on_in_the_middle(wikiart_hub: HubServer) -> None:
    source = open_source(f"hub:{WIKIART}")
    assert next(source.works(ROWS + 1))["id"] == f"train-{ROWS + 1}"
    assert next(source.works(ROWS + 1))["artist"] == f"artist {ROWS + 1}"


def test_the_whole_dataset_is_built_and_searched_by_label(wikiart_hub: HubServer, clip: Any, tmp_path: Path) -> None:
    collection = build_collection(open_source(f"hub:{WIKIART}"), clip, tmp_path / "out")
    assert len(collection) == SHARDS * ROWS
    found = collection.search(work="train-0", k=5, where={"genre": ["genre 2"]})
    assert {match.work["genre"] for match in found} == {"genre 2"}
    assert collection.manifest.license == "cc-by-4.0"
    assert wikiart_hub.commits(WIKIART, "dataset")[0].sha in collection.manifest.source["fingerprint"]


def test_a_revision_can_be_named(wikiart_hub: HubServer, tmp_path: Path) -> None:
    old = wikiart_hub.commits(WIKIART, "dataset")[0].sha
    wikiart_hub.add_commit(WIKIART, "dataset", {"data/train-00000-of-00003.parquet": b"gone"})
    source = open_source(f"hub:{WIKIART}:train@{old}")
    assert next(source.works(0))["style"] == "style 0"
    assert source.fingerprint == f"{WIKIART}:train@{old}"


def test_a_hub_that_is_away_for_a_moment_does_not_matter(wikiart_hub: HubServer) -> None:
    armed = wikiart_hub.inject(Fault("resolve", method="GET", path="train-00001", status=503))
    assert len(list(open_source(f"hub:{WIKIART}").works(0))) == SHARDS * ROWS
    assert armed.hits == 1


def test_columns_that_no_table_can_show_are_left_out(hub: HubServer, tmp_path: Path) -> None:
    features = datasets.Features(
        {
            "picture": datasets.Image(),
            "id": datasets.Value("string"),
            "words": datasets.List(datasets.Value("string")),
            "label": datasets.ClassLabel(names=["a", "b"]),
            "vector": datasets.List(datasets.Value("float32"), length=2),
            "blob": datasets.Value("binary"),
            "box": {"left": datasets.Value("int32")},
        }
    )
    row = {
        "picture": picture(1),
        "id": "one",
        "words": ["red"],
        "label": -1,
        "vector": [1, 2],
        "blob": b"x",
        "box": {"left": 1},
    }
    datasets.Dataset.from_list([row], features=features).to_parquet(tmp_path / "a.parquet")
    hub.add_repo(WIKIART, "dataset", {"data/test-00000-of-00001.parquet": tmp_path / "a.parquet"})
    (work,) = open_source(f"hub:{WIKIART}:test").works(0)
    assert {key: value for key, value in work.items() if key != "image"} == {
        "id": "test-0",
        "source_id": "one",
        "words": ["red"],
        "label": None,
    }


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("artist/none", "The Hub has no dataset artist/none, or it is private"),
        ("not an id", "is not a Hub dataset id; give NAMESPACE/NAME"),
        (f"{WIKIART}:test", "split test, cannot be read: .*train"),
        (f"{WIKIART}@nowhere", "has no such revision"),
        ("artist/words", "has no image column; its columns are text"),
        ("artist/empty", "artist/empty, split train, cannot be read"),
        ("museum/gated", "cannot be read: .* ask for access"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    wikiart_hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, sentence: str
) -> None:
    datasets.Dataset.from_dict({"text": ["a"]}).to_parquet(tmp_path / "words.parquet")
    wikiart_hub.add_repo("artist/words", "dataset", {"train.parquet": tmp_path / "words.parquet"})
    wikiart_hub.add_repo("artist/empty", "dataset")
    wikiart_hub.add_repo("museum/gated", "dataset", {"train.parquet": tmp_path / "words.parquet"}, gated="manual")
    monkeypatch.setenv("HF_TOKEN", wikiart_hub.other_token)
    with pytest.raises(SourceError, match=sentence) as said:
        open_source(f"hub:{name}")
    assert "\n" not in str(said.value)


def test_a_connection_that_is_refused_is_one_sentence(wikiart_hub: HubServer) -> None:
    wikiart_hub.inject(Fault("info", "drop", times=None))
    with pytest.raises(SourceError, match=r"cannot be read from the Hub \(.*\)\. Check the connection"):
        open_source(f"hub:{WIKIART}")
