"""The files that belong to a Hub dataset: those of its repository at one commit, and no others.

Rows and cards are written by strangers. A path in them could be a file of this machine, an address in this network, or
another dataset that only this machine's token may read; whatever were taken from there, `--push-to` would publish.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artsim.errors import ImageError, SourceError
from artsim.images.formats import MAX_BYTES
from artsim.sources.hub.archives import Archives

_CARDS = ("README.md", ".huggingface.yaml")  # where `datasets` looks for the data that belong together


@dataclass(frozen=True)
class OwnFiles:
    """The files of the dataset `repo` at `commit`."""

    repo: str
    commit: str
    names: tuple[str, ...] = field(default=(), repr=False)
    """All files of the repository."""
    archives: Archives = field(default_factory=Archives, compare=False, repr=False)

    def holds(self, path: str) -> bool:
        """Whether `path` names such a file, or a file inside a ZIP among them, as `datasets` writes both."""
        archive, hop, file = path.rpartition("::")
        if hop and (not archive.startswith("zip://") or "::" in archive):
            return False
        root = self.path("")
        return file.startswith(root) and not {"", ".", ".."} & set(file.removeprefix(root).split("/"))

    def read(self, path: str, *, name: str) -> bytes:
        """The file at `path`, the picture of the work `name`. Raises `ImageError` if it is not one of these files.

        Whatever else goes wrong on the way to the Hub is raised as it comes.
        """
        import fsspec

        if not self.holds(path):
            raise ImageError(
                "{work} names {path!r} in place of its picture, which is not read: only files of {repo} at {commit} are.",
                work=name,
                path=path[:200],
                repo=self.repo,
                commit=self.commit[:12],
            )
        archive, _, member = path.removeprefix("zip://").rpartition("::")[::-1]
        try:
            if member:
                data = self.archives.read(archive, member, MAX_BYTES + 1)
            else:
                with fsspec.open(path, "rb") as file:
                    data = file.read(MAX_BYTES + 1)
        except (FileNotFoundError, IsADirectoryError, KeyError):  # KeyError: no such file in a ZIP
            raise ImageError(
                "{work} names {path!r}, which is not in the dataset.", work=name, path=path[:200]
            ) from None
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:  # a ZIP damaged or locked
            raise ImageError(
                "{work} names {path!r}, which cannot be read ({reason}).", work=name, path=path[:200], reason=str(error)
            ) from error
        if len(data) > MAX_BYTES:
            raise ImageError("{work} is larger than {limit} MB.", work=name, limit=MAX_BYTES // 1_000_000)
        return data

    def inside(self, archive: str) -> list[str]:
        """The paths of the files in a ZIP of these. What hides there, or leads out of it, is left out.

        Raises `SourceError` if it is no ZIP.
        """
        try:
            names = self.archives.names(archive)
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
            raise SourceError(f"{archive[:200]} cannot be read as a ZIP ({error}).") from error
        paths = {f"zip://{name}::{archive}": name.split("/") for name in names}
        return [
            path
            for path, parts in paths.items()
            if self.holds(path) and not {"", ".", "..", "__MACOSX"} & set(parts) and not parts[-1].startswith(".")
        ]

    def parquet_rows(self, path: str) -> int:
        """How many rows a Parquet file of these holds."""
        import fsspec
        import pyarrow.parquet as pq

        with fsspec.open(path, "rb") as file:
            return pq.ParquetFile(file).metadata.num_rows

    def path(self, name: str) -> str:
        """The path of the file `name` of the repository, as rows have it."""
        return f"hf://datasets/{self.repo}@{self.commit}/{name}"

    def check_cards(self) -> None:
        """Raise `SourceError` if a card names data elsewhere: `datasets` would look there before it refuses them."""
        for name in _CARDS:
            for path in _data_paths(self._card(name)):
                if _leads_out(path) and not self.holds(path):
                    raise self._elsewhere(path)

    def check_data(self, files: Any) -> None:
        """Raise `SourceError` unless all data files, by split, are among these."""
        for path in (str(path) for paths in (files or {}).values() for path in paths):
            if not self.holds(path):
                raise self._elsewhere(path)

    def _elsewhere(self, path: str) -> SourceError:
        return SourceError(f"{self.repo} names data outside of itself ({path[:200]!r}), which are not read.")

    def _card(self, name: str) -> Any:
        """The content of a card as `datasets` reads it; None if there is no such card."""
        import yaml
        from huggingface_hub import DatasetCard, hf_hub_download
        from huggingface_hub.errors import RemoteEntryNotFoundError

        try:
            path = Path(hf_hub_download(self.repo, name, repo_type="dataset", revision=self.commit))
        except RemoteEntryNotFoundError:
            return None
        try:
            if name == "README.md":
                return DatasetCard.load(path).data.to_dict()
            return yaml.safe_load(path.read_text(encoding="utf-8"))
        except (ValueError, TypeError, yaml.YAMLError) as error:
            raise SourceError(f"{name} of {self.repo} cannot be read: {' '.join(str(error).split())[:300]}") from error


def _data_paths(card: Any) -> Iterator[str]:
    """Every path and pattern under `data_files` and `data_dir` of a card, in whichever form it is written."""
    configs = card.get("configs") if isinstance(card, dict) else None
    for config in configs if isinstance(configs, list) else ():
        if isinstance(config, dict):
            yield from _texts([config.get("data_files"), config.get("data_dir")])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _leads_out(path: str) -> bool:
    """Whether a path in a card is anything but relative to it."""
    path = path.replace("\\", "/")
    return "::" in path or "://" in path or path.startswith("/") or Path(path).is_absolute() or ".." in path.split("/")
