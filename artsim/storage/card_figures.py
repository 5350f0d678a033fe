"""Evaluation figures for the dataset card, read from the output of `artsim evaluate --json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artsim.errors import CollectionError
from artsim.storage.manifest import Manifest, first_problem

_TITLES = {
    "precision@1": "P@1",
    "precision@10": "P@10",
    "hit@10": "hit@10",
    "r_precision": "R-precision",
    "map": "mAP",
    "ndcg@10": "nDCG@10",
}


@dataclass(frozen=True)
class Figures:
    """Evaluation results with their data set and command. `rows`: setting -> measure -> value."""

    command: str
    label: str
    disjoint: str | None
    encoder: str
    revision: str
    works: int
    queries: int
    rows: Mapping[str, Mapping[str, float]]

    @property
    def measures(self) -> list[str]:
        """The names of all measures, in the order of their columns."""
        return list(dict.fromkeys(name for row in self.rows.values() for name in row))

    def check(self, manifest: Manifest) -> None:
        """`CollectionError` unless the figures were measured on the collection of `manifest`."""
        encoders = {(space.encoder, space.revision) for space in manifest.spaces}
        if self.works != manifest.rows or (self.encoder, self.revision) not in encoders:
            raise CollectionError(
                f"The figures were measured on {self.works:,} works with {self.encoder} ({self.revision}), but this "
                f"collection has {manifest.rows:,} works, with "
                f"{', '.join(f'{encoder} ({revision})' for encoder, revision in sorted(encoders))}: measure again."
            )


def read_figures(path: Path) -> Figures:
    """Read a file of `artsim evaluate --label COLUMN --json FILE`; `CollectionError` if it is not one."""
    from pydantic import TypeAdapter

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        entries = data.get("table") or [{**data, "name": f"{data['ranking']}, {_weights(data['aspects'])}"}]
        rows = {
            entry["name"]: {title: entry[key] for key, title in _TITLES.items() if key in entry} for entry in entries
        }
        disjoint = data["disjoint"]
        command = f"python -m artsim evaluate --collection FOLDER --label {data['label']}"
        command += (f" --disjoint {disjoint}" if disjoint else "") + (" --aspects-table" if data.get("table") else "")
        return TypeAdapter(Figures).validate_python({**data, "command": command, "rows": rows})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CollectionError(
            f"{path} holds no figures ({type(error).__name__}: {first_problem(error)}). Make them with: "
            f"python -m artsim evaluate --collection FOLDER --label COLUMN --json {path.name}"
        ) from error


def _weights(aspects: Mapping[str, Any]) -> str:
    return " ".join(f"{aspect} {weight:g}" for aspect, weight in aspects.items() if weight)
