"""The dataset card: the `README.md` of a collection, on the Hub and on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artsim.encoders.presets import PRESETS
from artsim.encoders.protocol import ASPECTS, Aspect
from artsim.storage.card_figures import Figures
from artsim.storage.manifest import Manifest, SpaceRecord

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_MEANINGS = {
    "id": "identifier of the work in searches; unique",
    "image": "the picture, as its original file",
    "image_url": "where the picture can be fetched",
    "title": "title",
    "artist": "who made it",
    "artist_bio": "a line about the artist",
    "nationality": "nationality of the artist",
    "year": "year in which it was made, or the first of them",
    "date": "when it was made, in words",
    "period": "period",
    "medium": "materials and technique",
    "dimensions": "size of the object",
    "culture": "culture or region",
    "department": "department of the museum",
    "credit_line": "how the museum acquired it",
    "tags": "what it shows, as keywords",
    "url": "page of the work",
    "license": "licence of the picture",
    "style": "style",
    "genre": "genre",
    "label": "name of the folder that contained it",
    "sha256": "sha256 of the picture's file",
}
_ASPECTS = {
    "subject": "what it shows",
    "style": "how it is painted",
    "color": "its palette",
    "layout": "what is where in the picture",
}


@dataclass(frozen=True)
class _Card:
    """The data from which the sections of a card are written."""

    manifest: Manifest
    schema: Mapping[str, Any]
    block_dims: Sequence[Mapping[Aspect, int]]
    first_id: str
    repo_id: str

    @property
    def space(self) -> SpaceRecord:
        return self.manifest.spaces[0]

    @property
    def label_column(self) -> str:
        """The column by which people tell works apart."""
        return "title" if "title" in self.schema else "id"


def is_private_encoder(space: SpaceRecord) -> bool:
    """Whether a space's encoder was a local folder (identified by the hash of its weights), which others lack."""
    return space.revision.startswith("sha256:")


def dataset_card(
    manifest: Manifest,
    *,
    schema: Mapping[str, Any],
    block_dims: Sequence[Mapping[Aspect, int]],
    first_id: str,
    repo_id: str | None = None,
    evaluation: Figures | None = None,
) -> str:
    """Markdown with the front matter that the Hub reads. `repo_id`: where the collection can be loaded from.

    `schema`: the `datasets` feature of each metadata column; `block_dims`: for each space, the length of each aspect in its
    index vectors, in order; `first_id`: the id of the first work, for examples.
    """
    card = _Card(manifest, schema, block_dims, first_id, repo_id or "NAMESPACE/NAME")
    title = f"# {_line(manifest.title)}"
    sections = [_front_matter(manifest), title, _introduction(card), _columns(card), _encoders(card)]
    if evaluation is not None:
        sections.append(_evaluation(evaluation))
    sections += [_attached_index(card), _raw_cosine(card), _with_artsim(card), _provenance(card), _LIMITS]
    return "\n\n".join(sections) + "\n"


def _front_matter(manifest: Manifest) -> str:
    from huggingface_hub import DatasetCardData

    size = next((name for limit, name in _SIZES if manifest.rows < limit), "10M<n<100M")
    data = DatasetCardData(
        pretty_name=_line(manifest.title),
        license=manifest.license,
        tags=["art", "image-similarity", "image-retrieval", "embeddings", "faiss", "artsim"],
        task_categories=["image-feature-extraction"],
        size_categories=[size],
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}],
    )
    return f"---\n{data.to_yaml()}\n---"


def _introduction(card: _Card) -> str:
    description = card.manifest.source.get("description", "").strip()
    pictures = "their pictures" if card.manifest.has_pictures else "the addresses of their pictures"
    about = (
        f"{card.manifest.rows:,} artworks: {pictures}, their metadata, embedding vectors, and a FAISS index over those "
        "vectors. Row *i* of the index is row *i* of the dataset."
    )
    return f"{description}\n\n{about}" if description else about


def _columns(card: _Card) -> str:
    vectors = {
        column: f"vector of `{space.name}` for `{aspect}`: {_ASPECTS.get(aspect, 'likeness')}"
        for space in card.manifest.spaces
        for aspect, column in space.columns.items()
    }
    dims = {space.columns[aspect]: n for space in card.manifest.spaces for aspect, n in space.dims.items()}
    for space in card.manifest.spaces:
        if (regions := space.regions) is not None:
            vectors[regions.column] = f"vectors of `{space.name}` for {len(regions.boxes)} regions, concatenated"
            dims[regions.column] = regions.dim * len(regions.boxes)
    rows = [("`id`", "string", _MEANINGS["id"])]
    if card.manifest.has_pictures:
        rows.append(("`image`", "image", _MEANINGS["image"]))
    for name, feature in card.schema.items():
        if name != "id":
            rows.append((f"`{name}`", _kind(feature), _MEANINGS.get(name, "as the source gives it")))
    rows += [(f"`{name}`", f"{dims[name]} × float32", meaning) for name, meaning in vectors.items()]
    table = "\n".join(f"| {' | '.join(_cell(value) for value in row)} |" for row in rows)
    note = (
        "The vectors are those of the encoder, scaled to length 1, so the inner product of two is their cosine. Values that "
        "the source does not have are empty."
    )
    return f"## What is in it\n\n| column | type | meaning |\n| --- | --- | --- |\n{table}\n\n{note}"


def _encoders(card: _Card) -> str:
    lines = []
    for record, dims in zip(card.manifest.spaces, card.block_dims, strict=True):
        blocks = ", ".join(f"{length} for {aspect}" for aspect, length in dims.items())
        lines.append(
            f"- **{record.name}**: encoder `{record.encoder}`, revision `{record.revision}`. Its index "
            f"(`{record.index}`, {record.index_type}, inner product) holds for each work the vectors of its aspects side by "
            f"side ({blocks}), each normalised by the collection's own statistics and scaled to length 1. Those "
            f"statistics are in `{record.statistics}`." + _regions(record)
        )
    return "## Encoder and index\n\n" + "\n".join(lines)


def _regions(space: SpaceRecord) -> str:
    if space.regions is None:
        return ""
    count = len(space.regions.boxes)
    return (
        f" The index for details is `{space.regions.index}` ({space.regions.index_type}, inner product): row *{count} i + j* is "
        f"region *j* of work *i*, and `artsim.json` gives the position of each of the {count} regions in a picture."
    )


def _evaluation(figures: Figures) -> str:
    disjoint = f"; works of the same {figures.disjoint} are taken out of the ranking" if figures.disjoint else ""
    note = (
        f"Every work with a `{figures.label}` was a query ({figures.queries:,} queries); works of the same `{figures.label}` "
        f"are relevant{disjoint}."
    )
    measures = list(dict.fromkeys(name for row in figures.rows.values() for name in row))
    lines = [f"| setting | {' | '.join(measures)} |", f"| --- |{' ---: |' * len(measures)}"]
    for setting, row in figures.rows.items():
        lines.append(f"| {_cell(setting)} | {' | '.join(f'{row[m]:.3f}' if m in row else '' for m in measures)} |")
    table = "\n".join(lines)
    return f"## How good it is\n\n{note}\n\n{table}\n\nMeasured with: `{figures.command}`"


def _attached_index(card: _Card) -> str:
    space, repo = card.space, card.repo_id
    blocks = card.block_dims[0]
    weights = [f"{PRESETS['balanced'].get(aspect, 0):g}" for aspect in ASPECTS if aspect in blocks]
    return f"""## Find works like one of them, with plain `datasets`

`pip install datasets faiss-cpu pillow`

```python
import numpy as np
from datasets import load_dataset
from huggingface_hub import hf_hub_download

works = load_dataset("{repo}", split="train")
works.load_faiss_index("{space.name}", hf_hub_download("{repo}", "{space.index}", repo_type="dataset"))

vector = works.get_index("{space.name}").faiss_index.reconstruct(0)  # of the first work
weights = np.float32([{", ".join(weights)}])  # of {", ".join(blocks)}
query = vector * np.repeat(weights, {list(blocks.values())})
scores, nearest = works.get_nearest_examples("{space.name}", query, k=6)
for score, name in zip(scores, nearest["{card.label_column}"]):
    print(f"{{score:.3f}}", name)
```

The score is the weighted sum of the aspects' cosines, so the first work finds itself with the sum of the weights."""


def _raw_cosine(card: _Card) -> str:
    space, column = card.space, card.space.columns["subject"]
    if space.encoder == "embedded" or is_private_encoder(space):
        why = (
            "The encoder is part of artsim, so use artsim (below) to search by a picture of your own."
            if space.encoder == "embedded"
            else "The encoder is not on the Hub, so only people who have it can search by other pictures."
        )
        query = f'query = np.array(works[0]["{column}"], np.float32)  # the first work\'s own vector'
        return f"""## Plain cosine on the `subject` vectors

{why}

```python
import faiss
import numpy as np
from datasets import load_dataset

works = load_dataset("{card.repo_id}", split="train")
works.add_faiss_index("{column}", metric_type=faiss.METRIC_INNER_PRODUCT)

{query}
{_print_nearest(column, card.label_column)}
```"""
    return f"""## Find works like a picture of your own, with plain `datasets` and `transformers`

The plain cosine of the `subject` vectors. `pip install datasets faiss-cpu transformers torch pillow`

```python
import faiss
import torch
from datasets import load_dataset
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

works = load_dataset("{card.repo_id}", split="train")
works.add_faiss_index("{column}", metric_type=faiss.METRIC_INNER_PRODUCT)

model = AutoModel.from_pretrained("{space.encoder}", revision="{space.revision}").eval()
processor = AutoImageProcessor.from_pretrained("{space.encoder}", revision="{space.revision}", backend="pil")
embed = getattr(model, "get_image_features", model)  # CLIP-like models have a separate function for pictures
picture = Image.open("my-picture.jpg").convert("RGB")
with torch.inference_mode():
    vector = embed(**processor(images=picture, return_tensors="pt")).pooler_output.flatten()

query = torch.nn.functional.normalize(vector, dim=0).numpy()
{_print_nearest(column, card.label_column)}
```"""


def _print_nearest(index: str, label_column: str) -> str:
    return f"""cosines, nearest = works.get_nearest_examples("{index}", query, k=5)
for cosine, name in zip(cosines, nearest["{label_column}"]):
    print(f"{{cosine:.3f}}", name)"""


def _with_artsim(card: _Card) -> str:
    if is_private_encoder(card.space):
        search = f'collection.search(work="{_first_id(card)}", k=5)'
    else:
        search = 'collection.search(image="my-picture.jpg", k=5)'
    return f"""## With artsim

artsim weights the aspects, corrects for hubs, filters by any column, and shows how unusual a similarity is.

```python
import artsim

collection = artsim.open_collection("{card.repo_id}")
for match in {search}:
    print(match.rank, match.work["{card.label_column}"], f"closer than {{match.percentile:.1f}} % of pairs")
```

In the browser: `python app.py --collection {card.repo_id}`. To stay on one version, give `revision="COMMIT"`."""


def _first_id(card: _Card) -> str:
    return card.first_id.replace("\\", "\\\\").replace('"', '\\"')


def _provenance(card: _Card) -> str:
    manifest, source = card.manifest, card.manifest.source
    origin = f"`{source['name']}`" + (f" ({source['homepage']})" if source.get("homepage") else "")
    terms = (
        f"The pictures and the records are under the licence `{manifest.license}`, as their source states it."
        if manifest.license not in ("unknown", "other")
        else "The publisher did not state a licence for the pictures and the records: ask their owners."
    )
    if "license" in card.schema:
        terms += " The column `license` holds what is stated for each work."
    if manifest.images == "urls":
        terms += " The pictures themselves are not part of this dataset: they are at `image_url`, under the terms of that site."
    return f"""## Where it comes from, and on what terms

Source: {origin}, version `{source.get("fingerprint", "unknown")}`. Made with artsim {manifest.artsim_version} on
{manifest.created[:10]}. {terms} The vectors were computed from the pictures; the encoder has a licence of its own."""


_LIMITS = """## What it cannot tell

Similarity is measured by a neural network that was not trained for art history. Its inputs are reproductions, with their
crops, colours and frames, not the works. That two works look alike says nothing of influence, authorship or authenticity.
Attributions, dates and descriptions are those of the source, with its gaps and the words of its time."""


def _kind(feature: Any) -> str:
    """A short name for a `datasets` feature: `string`, `list of string`."""
    inner = getattr(feature, "feature", None)
    return f"list of {_kind(inner)}" if inner is not None else str(getattr(feature, "dtype", type(feature).__name__))


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
