"""Plain data of an ingest (see `artsim.curation.ingest`): progress, files and reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from artsim.analysis.same_work import Relation
from artsim.curation.duplicate_check import NewPicture
from artsim.embedding.embedded_works import EmbeddedWorks

Outcome = Literal["broken", "same-file", "same-work"]
Phase = Literal["receiving", "adding", "saving", "done", "cancelled", "failed"]


@dataclass(frozen=True)
class UploadedFile:
    """A received file. `name` is its path on the sender's side, for people; `path` is where it is stored."""

    number: int
    name: str
    path: Path
    anyway: bool = False
    """Whether it is added even if it is a duplicate."""


@dataclass(frozen=True)
class UploadReport:
    """The outcome of a file that was not simply added."""

    number: int
    name: str
    outcome: Outcome
    reason: str = ""
    """For a broken file: why, as a message."""
    work: str | None = None
    """For a duplicate: the id of the existing work."""
    relation: Relation | None = None
    """For a duplicate: what the picture is to the existing work."""


@dataclass(kw_only=True)
class IngestState:
    """How far an ingest is."""

    phase: Phase = "receiving"
    total: int = 0
    """Files that are expected."""
    received: int = 0
    done: int = 0
    """Files that are finished, with any outcome."""
    added: int = 0
    now: tuple[str, ...] = ()
    """Names of the files in progress."""
    seconds_left: Annotated[float | None, Field(serialization_alias="secondsLeft")] = None
    """None if not known yet."""
    reports: tuple[UploadReport, ...] = ()
    notes: tuple[str, ...] = ()
    """Further messages, such as about metadata that does not fit."""
    failure: str = ""


@dataclass
class PendingWorks:
    """Works that are embedded and not added yet."""

    batches: list[EmbeddedWorks] = field(default_factory=list)
    new_pictures: dict[str, NewPicture] = field(default_factory=dict)
    """By their future ids."""
    files: dict[str, str] = field(default_factory=dict)
    """sha256 -> id."""

    def __len__(self) -> int:
        return sum(len(batch) for batch in self.batches)
