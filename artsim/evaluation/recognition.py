"""Measure whether a collection recognises its works in photographs, and no others: half of the works are taken out of it.

Photographs are simulated from the collection's own pictures (see `museum_photographs` and `distortions`), so the right answer
is known: the work itself, or none where it was taken out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from artsim.collection import Collection
from artsim.evaluation.copies import SIDE
from artsim.evaluation.distortions import Alter, generator
from artsim.evaluation.museum_photographs import PHOTOGRAPHS, Take, taken
from artsim.evaluation.tables import Table
from artsim.images.decode import load_image
from artsim.messages.progress import Progress
from artsim.search.timing import Timing, observe
from artsim.snapshot.edits import without_works


@dataclass
class Recognitions:
    """What was recognised in the photographs of one kind."""

    kind: str
    right: int = 0
    missed: int = 0
    absent: int = 0
    """Photographs of works that the collection does not hold."""
    versions: int = 0
    """Right answers that say "or another version of it"."""
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """(shown, answered) where another work is named: some collections hold a work twice, so look before you count."""
    false: list[tuple[str, str]] = field(default_factory=list)
    """The same for works that the collection does not hold."""
    seconds: list[float] = field(default_factory=list)
    """Time of each answer beyond encoding."""

    @property
    def present(self) -> int:
        return self.right + self.missed + len(self.wrong)

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "present": self.present,
            "right": self.right,
            "versions": self.versions,
            "wrong": self.wrong,
            "absent": self.absent,
            "false": self.false,
            "milliseconds": round(1000 * float(np.median(self.seconds))) if self.seconds else None,
        }


class EncodingTime:
    """Adds up the time of encoding; `observe` it."""

    seconds = 0.0

    def took(self, timing: Timing) -> None:
        self.seconds += timing.seconds if timing.step == "encode" else 0.0


def measure_recognition(
    collection: Collection,
    ids: Sequence[str],
    *,
    kinds: Sequence[Take | Alter] = PHOTOGRAPHS,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> list[Recognitions]:
    """Recognise one photograph of each kind of every work in `ids`, in the collection without half of its works."""
    half = _half_of(collection, seed)
    held = set(half.ids)
    encoding = EncodingTime()
    observe(encoding)
    results = []
    for number, kind in enumerate(kinds):
        found = Recognitions(kind.__name__)
        for position, identity in enumerate(ids):
            original = load_image(collection.picture(identity), short_side=SIDE, name=identity)
            photograph = taken(kind, original, generator(seed, identity, kind.__name__, "recognition"))
            started, before = time.perf_counter(), encoding.seconds
            match = half.recognize(photograph)
            found.seconds.append(time.perf_counter() - started - (encoding.seconds - before))
            _count(found, identity, None if match is None else match.id, present=identity in held)
            found.versions += int(match is not None and match.id == identity and match.version)
            progress(number * len(ids) + position + 1, len(kinds) * len(ids))
        results.append(found)
    return results


def half_of_artists(collection: Collection, *, fitted: bool) -> list[str]:
    """The ids of the works by one half of the artists, or by the other: the rule is fitted on one, and judged on the other."""
    table = collection.state.table
    artists = [str(value or "") for value in table.column("artist").to_pylist()]
    half = set(sorted(set(artists))[0 if fitted else 1 :: 2])
    return [identity for identity, artist in zip(collection.ids, artists, strict=True) if artist in half]


def recognition_table(found: Sequence[Recognitions]) -> Table:
    """One row a kind, and one for all."""
    rows = [_row(one.kind, [one]) for one in found]
    milliseconds = 1000 * np.array([second for one in found for second in one.seconds])
    low, high = np.percentile(milliseconds, [50, 95])
    title = f"Recognised ({found[0].present} works held, {found[0].absent} not); beyond encoding {low:.0f} ms, 95 % in {high:.0f}"
    names = ("", "right", "wrong", "or a version", "answers for works not held")
    return Table(title, names, (*rows, _row("all", found)))


def _row(name: str, found: Sequence[Recognitions]) -> tuple[str, ...]:
    present = max(1, sum(one.present for one in found))
    right, absent = sum(one.right for one in found), max(1, sum(one.absent for one in found))
    shares = (
        right / present,
        sum(len(one.wrong) for one in found) / present,
        sum(one.versions for one in found) / max(1, right),
        sum(len(one.false) for one in found) / absent,
    )
    return name, *(f"{share:.3f}" for share in shares)


def _half_of(collection: Collection, seed: int) -> Collection:
    """The collection without half of its works, in memory."""
    out = [row for row, identity in enumerate(collection.ids) if generator(seed, identity, "absent").random() < 0.5]
    encoders = {space.encoder: collection.encoder(space.name) for space in collection.state.spaces}
    state = without_works(collection.state, out[: len(collection) - 1])
    return Collection(state=state, manifest=collection.manifest, folder=None, encoders=encoders)


def _count(found: Recognitions, shown: str, answered: str | None, *, present: bool) -> None:
    if not present:
        found.absent += 1
        found.false += [] if answered is None else [(shown, answered)]
    elif answered == shown:
        found.right += 1
    elif answered is None:
        found.missed += 1
    else:
        found.wrong.append((shown, answered))
