"""Works from any Hub dataset with an image column, such as `huggan/wikiart`, streamed: only rows in use are fetched.

Rows are written by strangers: a picture comes as bytes or as a file of the dataset itself, and nothing else is opened.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from artsim.errors import SourceError
from artsim.sources.hub_files import OwnFiles
from artsim.sources.protocol import Source, Work
from artsim.web.http import TIMEOUT_S
from artsim.web.hub_client import converting_errors

log = logging.getLogger(__name__)


def open_hub(name: str) -> Source:
    """`REPO`, `REPO:SPLIT` or `REPO:SPLIT@REVISION`. `SourceError` when it cannot be read or has no image column."""
    name, _, revision = name.partition("@")
    repo, _, split = name.partition(":")
    split = split or "train"
    info = _repo_info(repo, revision or None)
    own = OwnFiles(repo, info.sha)
    stream, image_column = _open_stream(own, split)
    kept = {
        key: plain
        for key, feature in stream.features.items()
        if (plain := _kept_feature(feature)) and key != image_column
    }
    dropped = set(stream.features) - set(kept) - {image_column}
    if dropped:
        log.info("Columns of %s that are not text, numbers or lists of them are left out: %s", repo, sorted(dropped))
    from datasets import Value

    features = {"id": Value("string"), **{_column(key): feature for key, feature in kept.items()}}

    def works(start: int) -> Iterator[Work]:
        with _converting_errors(repo), _converting_format_errors(repo, split):
            for number, row in enumerate(stream.skip(start) if start else stream, start):
                columns = {_column(key): _value(row[key], stream.features[key]) for key in kept}
                name = f"{split}-{number}"
                yield {**columns, "id": name, "image": _picture(row[image_column], name, own)}

    splits = stream.info.splits or {}
    return Source(
        name=f"hub:{repo}:{split}",
        title=repo.split("/")[-1].replace("-", " ").replace("_", " "),
        works=works,
        features=features,
        fingerprint=f"{repo}:{split}@{info.sha}",
        size=splits[split].num_examples if split in splits else None,
        license=_license(info),
        homepage=f"https://huggingface.co/datasets/{repo}",
        has_urls="image_url" in features,
        remote=True,
    )


def _converting_errors(repo: str) -> AbstractContextManager[None]:
    """Errors of the Hub or the connection inside this block become a `SourceError`."""
    return converting_errors(f"reading the dataset {repo}", SourceError)


@contextmanager
def _converting_format_errors(repo: str, split: str) -> Iterator[None]:
    """Convert what `datasets` cannot parse, or refuses (names that lead out of an image folder), to `SourceError`."""
    from datasets.exceptions import DatasetNotFoundError

    try:
        yield
    except (ValueError, ImportError, FileNotFoundError, DatasetNotFoundError) as error:
        raise SourceError(f"{repo}, split {split}, cannot be read: {' '.join(str(error).split())[:300]}") from error


def _repo_info(repo: str, revision: str | None) -> Any:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    try:
        with _converting_errors(repo):
            return HfApi().dataset_info(repo, revision=revision, timeout=TIMEOUT_S)
    except HFValidationError as error:
        raise SourceError(f"{repo!r} is not a Hub dataset id; give NAMESPACE/NAME, such as huggan/wikiart.") from error


def _open_stream(own: OwnFiles, split: str) -> tuple[Any, str]:
    """The dataset with nothing decoded, and the name of its image column.

    `datasets` decodes every picture, sound and film of a row, also in columns that are not used, and opens whatever path
    the row names to do so.
    """
    from datasets import Image, load_dataset_builder

    repo = own.repo
    with _converting_errors(repo):
        own.check_cards()
    with _converting_errors(repo), _converting_format_errors(repo, split):
        builder = load_dataset_builder(repo, revision=own.commit)
        own.check_data(builder.config.data_files)
        stream = builder.as_streaming_dataset(split=split)
        if stream.features is None:
            stream = stream._resolve_features()
        stream = stream.decode(False)
    columns = [key for key, feature in stream.features.items() if isinstance(feature, Image)]
    if not columns:
        raise SourceError(f"{repo} has no image column; its columns are {', '.join(stream.features)}.")
    return stream, "image" if "image" in columns else columns[0]


def _picture(value: Any, name: str, own: OwnFiles) -> dict[str, Any] | None:
    """The picture of a row for `read_picture`. A path is followed only when the picture is read, and only to `own` files."""
    data, path = (value or {}).get("bytes"), (value or {}).get("path")
    if isinstance(data, bytes) and data:
        return {"bytes": data}
    if isinstance(path, str) and path:
        return {"read": partial(_fetch, own, path, name)}
    return None


def _fetch(own: OwnFiles, path: str, name: str) -> bytes:
    with _converting_errors(own.repo):
        return own.read(path, name=name)


def _column(name: str) -> str:
    """The id of a work is its row number, which is unique; the dataset's own `id` is kept as `source_id`."""
    return "source_id" if name == "id" else name


def _kept_feature(feature: Any) -> Any | None:
    """The feature of a column that is kept: text, numbers, and lists of variable length of them; None for all others."""
    from datasets import ClassLabel, List, Value

    if isinstance(feature, ClassLabel):
        return Value("string")
    if isinstance(feature, Value):
        return feature if feature.dtype not in ("binary", "large_binary") else None
    if isinstance(feature, List) and feature.length == -1 and (inner := _kept_feature(feature.feature)) is not None:
        return List(inner)
    return None


def _value(value: Any, feature: Any) -> Any:
    """ClassLabels as names; None for -1, which marks a missing label."""
    from datasets import ClassLabel, List

    if isinstance(feature, ClassLabel):
        return None if value is None or value < 0 else feature.int2str(value)
    if isinstance(feature, List) and value is not None:
        return [_value(item, feature.feature) for item in value]
    return value


def _license(info: Any) -> str:
    card = info.card_data
    license = card.get("license") if card else None
    return (license[0] if isinstance(license, list) and license else license) or "unknown"
