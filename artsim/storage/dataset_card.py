"""The dataset card: the `README.md` of a collection, on the Hub and on disk. Its text is `dataset_card.md.jinja`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import jinja2
import yaml

from artsim.columns import column_of
from artsim.encoders.protocol import Aspect
from artsim.storage.card_figures import Figures
from artsim.storage.manifest import SUBJECT_INDEX, Manifest, SpaceRecord

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_VECTORS = {
    "subject": "vector of `{}` for `subject`: what it shows",
    "density": "how near its nearest works are by each aspect of `{}`",
    "style": "vector of `{}` for `style`: how it is painted",
    "color": "vector of `{}` for `color`: its palette",
    "layout": "vector of `{}` for `layout`: what is where in the picture",
    "compact": "vectors of `{}` for all aspects, 8 bits a number",
}
"""What each vector column of a space holds, in the order of the columns."""
_RECOGNITION = {
    "recognition": "what the work is recognised by in photographs, by artsim",
    "recognition_features": "local features of the picture, for the same",
}


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
    compact vectors, in order; `first_id`: the id of the first work, for examples.
    """
    space = manifest.spaces[0]
    shown = ["id", "title"] if "title" in schema else ["id"]
    return _template().render(
        front_matter=_front_matter(manifest),
        manifest=manifest,
        source=manifest.source,
        description=manifest.source.get("description", "").strip(),
        has_licenses="license" in schema,
        columns=[*_metadata_rows(manifest, schema), *_vector_rows(manifest)],
        encoders=list(zip(manifest.spaces, block_dims, strict=True)),
        figures=evaluation,
        repo_id=repo_id or "NAMESPACE/NAME",
        space=space,
        is_private=is_private_encoder(space),
        subject=space.columns["subject"].name,
        subject_index=SUBJECT_INDEX,
        label_column=shown[-1],
        select=", ".join(shown),
        listed=", ".join(f"works.{name}" for name in shown),
        first_id_sql=first_id.replace("'", "''"),
        first_id=first_id.replace("\\", "\\\\").replace('"', '\\"'),
    )


@cache
def _template() -> jinja2.Template:
    """The card's template. Nothing is escaped as HTML: the card is Markdown."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("artsim.storage", ""),
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"line": _line, "cell": _cell}
    return environment.get_template("dataset_card.md.jinja")


def _front_matter(manifest: Manifest) -> str:
    data = {
        "license": manifest.license,
        "size_categories": [next((name for limit, name in _SIZES if manifest.rows < limit), "10M<n<100M")],
        "task_categories": ["image-feature-extraction"],
        "pretty_name": _line(manifest.title),
        "tags": ["art", "image-similarity", "image-retrieval", "embeddings", "faiss", "artsim"],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]},
        ],
    }
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).strip()


def _metadata_rows(manifest: Manifest, schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(column, type, meaning) of the id, the picture and the metadata."""
    yield "`id`", "string", column_of("id").meaning
    if manifest.embeds_pictures:
        yield "`image`", "image", column_of("image").meaning
    for name, feature in schema.items():
        if name != "id":
            yield f"`{name}`", _kind(feature), column_of(name).meaning or "as the source gives it"


def _vector_rows(manifest: Manifest) -> list[tuple[str, str, str]]:
    """(column, type, meaning) of the vectors. Spaces may share a column."""
    rows: dict[str, tuple[str, str, str]] = {}
    for space in manifest.spaces:
        columns = [
            (column, _VECTORS[what].format(space.name)) for what in _VECTORS if (column := space.columns.get(what))
        ]
        if (regions := space.regions) is not None:
            columns.append(
                (regions.column, f"vectors of `{space.name}` for {len(regions.boxes)} regions, concatenated")
            )
        for column, meaning in columns:
            rows.setdefault(column.name, (f"`{column.name}`", f"{column.length} × {column.type}", meaning))
    for column in () if manifest.recognition is None else manifest.recognition.columns:
        rows[column.name] = (f"`{column.name}`", f"{column.length} × {column.type}", _RECOGNITION[column.name])
    return list(rows.values())


def _kind(feature: Any) -> str:
    """A short name for a `datasets` feature: `string`, `list of string`."""
    inner = getattr(feature, "feature", None)
    return f"list of {_kind(inner)}" if inner is not None else str(getattr(feature, "dtype", type(feature).__name__))


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
