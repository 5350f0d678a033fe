"""The dataset card: front matter for the Hub, columns, encoders, evaluation figures and limits."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hub_server import HubServer
from hub_server.cards import check_card
from huggingface_hub import DatasetCard
from synthetic import make_collection

import artsim
from artsim.errors import CollectionError
from artsim.snapshot.dataset_rows import dataset_schema
from artsim.snapshot.files import collection_card
from artsim.storage.card_figures import read_figures
from artsim.storage.manifest import Manifest


def card_of(collection: artsim.Collection, **changes: Any) -> str:
    """The card with some fields of the manifest changed."""
    return collection_card(
        collection.state, dataclasses.replace(collection.manifest, **changes), repo_id="museum/works"
    )


def section(card: str, title: str) -> str:
    return card.split(f"## {title}")[1].split("\n## ")[0]


def test_the_front_matter_is_valid_for_the_hub(collection: artsim.Collection, hub: HubServer) -> None:
    card = DatasetCard(card_of(collection, license="cc0-1.0", title="Paintings"))
    card.validate(repo_type="dataset")  # queries the Hub
    assert [request.status for request in hub.requests] == [200]
    data = card.data.to_dict()
    assert data["pretty_name"] == "Paintings"
    assert data["license"] == "cc0-1.0"
    assert data["size_categories"] == ["n<1K"]
    for rows, size in ((1000, "1K<n<10K"), (81_444, "10K<n<100K"), (2_000_000, "1M<n<10M")):
        assert DatasetCard(card_of(collection, rows=rows)).data.to_dict()["size_categories"] == [size]
    assert data["task_categories"] == ["image-feature-extraction"]
    assert {"art", "faiss", "artsim"} <= set(data["tags"])
    assert data["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
    ]


def test_any_title_gives_a_valid_card(collection: artsim.Collection) -> None:
    for title in ("Rembrandt: 'The Night Watch' # 1", "- a: [b", '"quoted"', "two\nlines", "Künstler | 画家"):
        card = card_of(collection, title=title)
        data, errors = check_card(card.encode(), "dataset")
        assert errors == [], title
        assert data["pretty_name"] == " ".join(title.split())
        assert f"\n# {' '.join(title.split())}\n" in card


def test_every_column_of_the_data_is_listed_with_its_meaning(collection: artsim.Collection, tmp_path: Path) -> None:
    compact = make_collection(artists=50, works=8, spaces=2, regions=True)
    compact.save(tmp_path / "compact")
    for opened in (collection, compact):
        rows = [line for line in section(card_of(opened), "What is in it").splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == dataset_schema(opened.state, pictures=True).names
    width = compact.state.spaces[0].index.dimension
    assert f"| `space_0_compact` | {width} × uint8 | vectors of `space-0` for all aspects, 8 bits a number |" in rows
    table = section(card_of(collection), "What is in it")
    assert "| `clip_subject` | 24 × float32 | vector of `clip` for `subject`: what it shows |" in table
    assert "| `tags` | list of string | what it shows, as keywords |" in table


def test_encoder_and_revision_are_exact(collection: artsim.Collection) -> None:
    card, record = card_of(collection), collection.manifest.spaces[0]
    assert f"encoder `{record.encoder}`, revision `{record.revision}`" in card


def test_missing_pictures_and_an_unknown_licence_are_stated(collection: artsim.Collection) -> None:
    card = card_of(collection, images="urls", license="unknown")
    assert "| `image` |" not in card
    assert "The pictures themselves are not part of this dataset" in card
    assert "did not state a licence" in card
    assert "under the licence `cc-by-4.0`, as their source states it" in card_of(collection, license="cc-by-4.0")


def figures_of(manifest: Manifest, path: Path, **changes: Any) -> Path:
    """A file as `scripts/evaluate.py --json` writes it."""
    space = manifest.spaces[0]
    data = {"label": "artist", "disjoint": None, "ranking": "tuned", "aspects": {"subject": 1.0, "style": 1.0}}
    data |= {"encoder": space.encoder, "revision": space.revision, "works": manifest.rows, "queries": 31}
    data |= {"precision@1": 0.512, "map": 0.3456, "recall@1": 0.1}
    path.write_text(json.dumps({**data, **changes}), encoding="utf-8")
    return path


def test_figures_are_shown_with_the_command_that_made_them(collection: artsim.Collection, tmp_path: Path) -> None:
    figures = read_figures(figures_of(collection.manifest, tmp_path / "f.json", disjoint="culture"))
    figures.check(collection.manifest)
    shown = section(collection_card(collection.state, collection.manifest, evaluation=figures), "How good it is")
    assert "| setting | P@1 | mAP |" in shown
    assert "| tuned, subject 1 style 1 | 0.512 | 0.346 |" in shown
    assert "(31 queries)" in shown
    assert "works of the same culture are taken out of the ranking" in shown
    assert "`python -m artsim evaluate --collection FOLDER --label artist --disjoint culture`" in shown
    assert "How good it is" not in card_of(collection)


def test_figures_of_another_collection_and_files_without_figures_are_refused(
    collection: artsim.Collection, tmp_path: Path
) -> None:
    for change in ({"works": 41}, {"revision": "another"}, {"encoder": "embedded"}):
        figures = read_figures(figures_of(collection.manifest, tmp_path / "f.json", **change))
        with pytest.raises(CollectionError, match=r"but this collection has 40 works, with .*: measure again"):
            figures.check(collection.manifest)
    for text in ("", "[]", '{"label": "artist"}', "\0"):
        (tmp_path / "f.json").write_text(text, encoding="utf-8")
        with pytest.raises(CollectionError, match=r"f\.json holds no figures .* --json f\.json$"):
            read_figures(tmp_path / "f.json")
    with pytest.raises(CollectionError, match=r"none\.json holds no figures"):
        read_figures(tmp_path / "none.json")
