"""The rows of a Hub dataset: which configuration and split, and reading that goes on where a connection was cut.

Nothing is decoded: `datasets` decodes every picture, sound and film of a row, also in columns that are not used, and opens
whatever path the row names to do so.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from artsim.errors import SourceError
from artsim.sources.hub.columns import Row
from artsim.sources.hub.files import OwnFiles
from artsim.sources.hub.folder import ImageFolder, list_image_folder
from artsim.web.hub_client import converting_errors, with_retries

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stream:
    """One split of one configuration of a dataset."""

    split: str
    features: Mapping[str, Any]
    rows: Callable[[int], Iterator[Row]]
    """Its rows from one on, with nothing decoded."""
    size: int | None
    notes: tuple[str, ...]
    """What was chosen, and among what, as sentences."""
    seekable: bool
    """Whether rows from a late one on cost little: in files of parquet, and in picture files."""


def open_stream(own: OwnFiles, config: str | None, split: str | None) -> Stream:
    """The `split` ("train", or the first, if None) of a configuration (its only or default one, if None).

    Raises `SourceError` when there is no such thing, or `datasets` cannot read it.
    """
    with reading(own.repo):
        own.check_cards()
    builder = _builder(own, config)
    splits = [str(name) for name in builder.config.data_files or builder.info.splits or ()]
    if split and splits and split not in splits:
        raise SourceError(f"{own.repo} has no split {split}; it has {', '.join(splits)}.")
    split = split or ("train" if "train" in splits or not splits else splits[0])
    notes = []
    if len(builder.builder_configs) > 1:
        notes.append(
            f"Configuration {builder.config.name} (--config takes another: {_listed(builder.builder_configs)})."
        )
    if len(splits) > 1 or split != "train":
        notes.append(f"Split {split}, of {_listed(splits)} (hub:{own.repo}:SPLIT names another).")
    with reading(own.repo), _formatted(own.repo, split):
        stream = builder.as_streaming_dataset(split=split)
        if stream.features is None:
            stream = stream._resolve_features()
        stream = stream.decode(False)
    size = builder.info.splits[split].num_examples if split in (builder.info.splits or {}) else None
    features, make = dict(stream.features), _parquet_rows(own, builder, stream, split)
    seekable = make is not None
    make = make or (lambda start: iter(stream.skip(start) if start else stream))
    if folder := _image_folder(own, builder, split):
        features, make = folder.features(features), lambda start: folder.rows(stream, start)
        size, notes, seekable = folder.size, [*notes, *folder.notes()], True
    return Stream(split, features, lambda start: _resuming(own, split, make, start), size, tuple(notes), seekable)


def reading(repo: str) -> AbstractContextManager[None]:
    """Errors of the Hub or the connection inside this block become a `SourceError`."""
    return converting_errors(_reading(repo), SourceError)


def _reading(repo: str) -> str:
    return f"reading the dataset {repo}"


@contextmanager
def _formatted(repo: str, split: str) -> Iterator[None]:
    """Convert what `datasets` cannot parse, or refuses (names that lead out of an image folder), to `SourceError`."""
    from datasets.exceptions import DatasetNotFoundError

    try:
        yield
    except (ValueError, TypeError, KeyError, ImportError, FileNotFoundError, DatasetNotFoundError) as error:
        raise SourceError(f"{repo}, split {split}, cannot be read: {' '.join(str(error).split())[:300]}") from error


def _builder(own: OwnFiles, config: str | None) -> Any:
    from datasets import get_dataset_config_names, load_dataset_builder

    with reading(own.repo), _formatted(own.repo, config or "train"):
        try:
            builder = load_dataset_builder(own.repo, config, revision=own.commit)
        except ValueError:
            names = get_dataset_config_names(own.repo, revision=own.commit)
            if config in names or (config is None and len(names) < 2):
                raise
            problem = "has several configurations" if config is None else f"has no configuration {config}"
            raise SourceError(f"{own.repo} {problem}; give one with --config: {_listed(names)}.") from None
        own.check_data(builder.config.data_files)
        return builder


def _image_folder(own: OwnFiles, builder: Any, split: str) -> ImageFolder | None:
    """The pictures of the dataset, if it consists of picture files."""
    from datasets.packaged_modules.imagefolder.imagefolder import ImageFolder as Builder

    if not isinstance(builder, Builder):
        return None
    used = {str(path) for paths in builder.config.data_files.values() for path in paths}
    with reading(own.repo):
        return list_image_folder(own, [str(path) for path in builder.config.data_files[split]], used)


def _parquet_rows(own: OwnFiles, builder: Any, stream: Any, split: str) -> Callable[[int], Iterator[Row]] | None:
    """Rows from one on. Files of rows before it are not fetched: their footers tell how many they hold. None if not parquet."""
    from datasets.packaged_modules.parquet.parquet import Parquet

    files = [str(path) for path in (builder.config.data_files or {}).get(split, ())]
    count = len(files)
    if not isinstance(builder, Parquet) or stream.num_shards != count:
        return None

    def rows(start: int) -> Iterator[Row]:
        first = 0
        while start and first < count and start >= (held := own.parquet_rows(files[first])):
            first, start = first + 1, start - held
        for number in range(first, count):
            yield from itertools.islice(stream.shard(num_shards=count, index=number), start, None)
            start = 0

    return rows


def _resuming(own: OwnFiles, split: str, make: Callable[[int], Iterator[Row]], start: int) -> Iterator[Row]:
    """The rows from `start` on. After a failure that passes, they are read again from the one that was next."""
    rows: Iterator[Row] | None = None
    number = start

    def next_row() -> Row | None:
        nonlocal rows
        try:
            with _formatted(own.repo, split):
                rows = rows or make(number)
                return next(rows, None)
        except Exception:
            rows = None
            raise

    while (row := with_retries(next_row, _reading(own.repo), SourceError)) is not None:
        number += 1
        yield row


def _listed(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
