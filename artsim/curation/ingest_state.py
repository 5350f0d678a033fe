"""Files on their way into a collection (see `artsim.curation.ingest`): how far they are, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PIL import Image

from artsim.curation.duplicate_check import NewPicture
from artsim.embedding.embedded_works import EmbeddedWorks

Outcome = Literal["broken", "same-file", "same-work"]
Phase = Literal["receiving", "adding", "saving", "done", "cancelled", "failed"]


@dataclass(frozen=True)
class UploadedFile:
    """A file that has come in. `name` is its path as the sender calls it, for people; `path` is where it lies."""

    number: int
    name: str
    path: Path


@dataclass(frozen=True)
class UploadReport:
    """What became of a file that was not simply added."""

    number: int
    name: str
    outcome: Outcome
    reason: str = ""
    """For a broken one: why, as a sentence."""
    work: str | None = None
    """For a duplicate: the id of the work that it is."""


@dataclass(frozen=True)
class IngestState:
    phase: Phase
    total: int
    """Files that are expected."""
    received: int
    done: int
    """Files that were dealt with, whatever became of them."""
    added: int
    now: tuple[str, ...]
    """Names of the files that are being worked on."""
    seconds_left: float | None
    """None when it is not known yet."""
    reports: tuple[UploadReport, ...]
    notes: tuple[str, ...]
    """What else should be known, as sentences: metadata that do not fit."""
    failure: str = ""


@dataclass(frozen=True)
class OpenedUpload:
    """A file that is a picture; `anyway` adds it even if it is there already."""

    upload: UploadedFile
    sha256: str
    image: Image.Image
    anyway: bool


@dataclass
class PendingWorks:
    """What is embedded and not added yet."""

    parts: list[EmbeddedWorks] = field(default_factory=list)
    new_pictures: dict[str, NewPicture] = field(default_factory=dict)
    """By the ids that they will have."""
    files: dict[str, str] = field(default_factory=dict)
    """sha256 -> id."""

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)
