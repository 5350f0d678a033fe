"""datasets and transformers on the loopback Hub: push, load, stream, read a model."""

import io
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from hub_server import HubServer
from hub_server.faults import Fault

WORKS = "artist/works"
WIKIART_CLASSES = {"artist": 129, "genre": 11, "style": 27}


def picture(seed: int) -> dict[str, bytes | str]:
    """A small JPEG of noise, as the Image feature stores it."""
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return {"bytes": buffer.getvalue(), "path": f"{seed}.jpg"}


def wikiart(rows: int) -> datasets.Dataset:
    """Rows with the columns of huggan/wikiart: an image and three ClassLabels of 129, 11 and 27 names."""
    labels = {
        column: datasets.ClassLabel(names=[f"{column} {i}" for i in range(n)]) for column, n in WIKIART_CLASSES.items()
    }
    values = {column: [row % n for row in range(rows)] for column, n in WIKIART_CLASSES.items()}
    features = datasets.Features({"image": datasets.Image(), **labels})
    return datasets.Dataset.from_dict({"image": [picture(i) for i in range(rows)], **values}, features=features)


def test_a_pushed_dataset_is_loaded_again(hub: HubServer) -> None:
    works = wikiart(6)
    works.push_to_hub(WORKS)
    loaded = datasets.load_dataset(WORKS, split="train")
    assert loaded.features == works.features
    assert loaded["style"] == works["style"]
    assert loaded[5]["image"].size == (32, 24)


def test_streaming_a_few_rows_reads_only_the_first_shard(hub: HubServer, tmp_path: Path) -> None:
    # Several row groups a shard, as in huggan/wikiart: datasets reads one row group ahead of what it yields, so of
    # shards with a single row group (what push_to_hub writes for small data) it would fetch the next one as well.
    works, shards = wikiart(18), {}
    for i in range(3):
        path = tmp_path / f"train-{i:05}-of-00003.parquet"
        works.shard(3, i, contiguous=True).to_parquet(path, batch_size=2)
        shards[f"data/{path.name}"] = path
    hub.add_repo(WORKS, "dataset", shards)

    stream = datasets.load_dataset(WORKS, split="train", streaming=True)
    rows = list(stream.take(2))

    assert stream.num_shards == 3
    assert [row["artist"] for row in rows] == [0, 1]
    assert stream.features == works.features
    assert stream.features["artist"].int2str(128) == "artist 128"
    assert rows[0]["image"].size == (32, 24)
    read = {request.path.rsplit("/", 1)[-1] for request in hub.requests if request.path.endswith(".parquet")}
    assert read == {"train-00000-of-00003.parquet"}


def test_a_stream_survives_a_short_outage_of_the_hub(hub: HubServer) -> None:
    wikiart(6).push_to_hub(WORKS, num_shards=2)
    armed = hub.inject(Fault("resolve", method="GET", path=".parquet", status=503))
    stream = datasets.load_dataset(WORKS, split="train", streaming=True)
    assert [row["genre"] for row in stream] == [0, 1, 2, 3, 4, 5]
    assert armed.hits == 1


def test_a_tiny_clip_is_loaded_from_a_model_repository(hub: HubServer, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    small = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config={**small, "vocab_size": 32, "max_position_embeddings": 8},
        vision_config={**small, "image_size": 16, "patch_size": 8},
        projection_dim=4,
    )
    model = transformers.CLIPModel(config).eval()
    model.save_pretrained(tmp_path / "clip")
    sha = hub.add_repo("artist/tiny-clip", "model", {p.name: p for p in (tmp_path / "clip").iterdir()})

    loaded = transformers.AutoModel.from_pretrained("artist/tiny-clip", revision=sha).eval()

    pixels = torch.zeros(1, 3, 16, 16)
    with torch.no_grad():
        ours, theirs = model.vision_model(pixels), loaded.vision_model(pixels)
    torch.testing.assert_close(theirs.pooler_output, ours.pooler_output)
    assert {r.status for r in hub.requests if r.path.endswith("model.safetensors")} == {200}
