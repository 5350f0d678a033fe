"""Search before and after: the same queries asked of the backbone and of what was made of it, on works it was not trained on.

Not only by the label that was trained: also whether works by one artist, and other copies of one work, are still found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from PIL import Image

from artsim.collection import Collection
from artsim.contents import Contents, make_space
from artsim.encoders.base import Aspect, Blocks, Encoder
from artsim.errors import QueryError
from artsim.evaluation import METRICS, Setting, Task, bootstrap_intervals, evaluate
from artsim.evaluation.distortions import cropped, generator, recoloured
from artsim.finetuning.works import LabelledWorks
from artsim.manifest import Manifest
from artsim.presets import PRESETS
from artsim.space import fit_space

SHOWN = ("precision@1", "precision@10", "map")
FEW = 5  # with fewer queries nothing is said
COPIES = 100
Parts = Mapping[Aspect, tuple[int, ...]]


@dataclass(frozen=True)
class Change:
    """One figure of many queries, before and after."""

    queries_of: str
    """Which works ask."""
    among: str
    """Which works are searched."""
    task: str
    setting: str
    queries: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    interval: tuple[float, float] = field(default=(math.nan, math.nan))
    """95 % of the difference in the last metric, by bootstrap over artists (over works where there are none)."""

    @property
    def metric(self) -> str:
        return list(self.before)[-1]

    @property
    def difference(self) -> float:
        return self.after[self.metric] - self.before[self.metric]

    @property
    def verdict(self) -> str:
        """ "better" and "worse" where the interval does not reach 0."""
        if self.difference == 0:
            return "same"
        if self.interval[0] > 0:
            return "better"
        return "worse" if self.interval[1] < 0 else "within chance"


def collection_of(works: LabelledWorks, blocks: Blocks, parts: Parts) -> Collection:
    """Works in memory, for measuring only: `label`, and `artist` where artists are known."""
    columns = {"id": list(works.ids), "label": [works.classes[label] for label in works.labels]}
    if works.artists is not None:
        columns["artist"] = [str(artist) for artist in works.artists]
    space = make_space("space", "", "", {aspect: aspect for aspect in blocks}, blocks, parts=parts, index_kind="flat")
    manifest = Manifest("", len(works), {}, "unknown", "", "urls", ())
    contents = Contents(pa.table(columns), (space,), {})
    return Collection(contents=contents, pictures=lambda row: b"", manifest=manifest, folder=None)


def compare_retrieval(
    works: LabelledWorks,
    sets: Mapping[str, np.ndarray],
    before: tuple[Blocks, Parts],
    after: tuple[Blocks, Parts],
    *,
    label: str,
    alone: str | None,
    subject_too: bool,
    seed: int = 0,
) -> list[Change]:
    """Changes for each set of query rows among all works; for the set `alone` also among the works of that set only.

    `subject_too`: whether `subject` vectors changed at all, and so are worth a line.
    """
    settings = {
        name: Setting(aspects=PRESETS[name]) for name in ("style", "balanced", *(["subject"] if subject_too else []))
    }
    by_label = Task(label="label", disjoint="artist" if works.artists is not None else None, seed=seed)
    tasks = {f"same {label}" + (", other artists" if by_label.disjoint else ""): by_label}
    if works.artists is not None:
        tasks["same artist"] = Task(label="artist", seed=seed)
    changes: list[Change] = []
    if alone is not None and len(sets.get(alone, ())) >= FEW:
        own = works.only(sets[alone])
        inner = [
            collection_of(own, {a: block[sets[alone]] for a, block in blocks.items()}, parts)
            for blocks, parts in (before, after)
        ]
        everyone = {alone: np.arange(len(own))}
        changes += _compare(inner, everyone, dict(list(tasks.items())[:1]), settings, "each other")
    both = [collection_of(works, blocks, parts) for blocks, parts in (before, after)]
    return changes + _compare(both, sets, tasks, settings, "all works")


def _compare(
    collections: Sequence[Collection],
    sets: Mapping[str, np.ndarray],
    tasks: Mapping[str, Task],
    settings: Mapping[str, Setting],
    among: str,
) -> list[Change]:
    changes = []
    columns = [METRICS.index(metric) for metric in SHOWN]
    for task_name, task in tasks.items():
        for setting_name, setting in settings.items():
            try:
                first, second = (evaluate(collection, task, setting) for collection in collections)
            except QueryError:  # no work has anything to find, as where every artist has one work
                continue
            for name, rows in sets.items():
                asked = np.isin(first.rows, rows)
                if asked.sum() < FEW:
                    continue
                a, b = first.values[asked][:, columns], second.values[asked][:, columns]
                low, high = bootstrap_intervals((b - a)[:, -1:], clusters=first.clusters[asked], seed=task.seed)[0]
                changes.append(
                    Change(
                        queries_of=name,
                        among=among,
                        task=task_name,
                        setting=setting_name,
                        queries=int(asked.sum()),
                        before=dict(zip(SHOWN, a.mean(axis=0).tolist(), strict=True)),
                        after=dict(zip(SHOWN, b.mean(axis=0).tolist(), strict=True)),
                        interval=(float(low), float(high)),
                    )
                )
    return changes


def compare_copies(
    encoders: Sequence[Encoder],
    blocks: Sequence[Blocks],
    rows: np.ndarray,
    load: Callable[[int], Image.Image],
    names: Sequence[str],
    *,
    queries_of: str,
    seed: int = 0,
) -> Change:
    """Whether a cropped and recoloured copy of each work at `rows` (at most `COPIES`) finds it first, by `layout`.

    `encoders` and the raw blocks of all works: before, then after.
    """
    rows = rows if len(rows) <= COPIES else np.sort(np.random.default_rng(seed).choice(rows, COPIES, replace=False))
    copies = []
    for row in rows:
        rng = generator(seed, names[row])
        copies.append(recoloured(cropped(load(row), rng), rng))
    found = []
    for encoder, own in zip(encoders, blocks, strict=True):
        needed: Blocks = {"subject": own["subject"], "layout": own["layout"]}
        space = fit_space("space", needed)
        there, asked = (space.split(space.place(each))["layout"] for each in (needed, encoder.embed_images(copies)))
        found.append(((asked @ there.T).argmax(axis=1) == rows).astype(float))
    low, high = bootstrap_intervals((found[1] - found[0])[:, None], seed=seed)[0]
    return Change(
        queries_of=queries_of,
        among="all works",
        task="same work, altered copy",
        setting="same-work",
        queries=len(rows),
        before={"recall@1": float(found[0].mean())},
        after={"recall@1": float(found[1].mean())},
        interval=(float(low), float(high)),
    )
