"""Calibration of a space: a sample of its works with their nearest works, which scores are compared with.

`artsim.search.calibration` fits and uses it. Here is what is stored, and what becomes of it as works come and go.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from artsim.snapshot.tensors import check_shapes, reading_tensors

REFIT_UP_TO = 2_000  # works; a calibration of so few is fitted again after every change, in a fraction of a second
_REFIT_CHANGE = 1.25  # that of more works once there are so many times as many, or as few


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the scores of a space are calibrated by.

    `works` (s,) int: rows of a sample of works; `near` (s, m) int: rows of the works nearest to each by any weights, -1 where
    there are fewer. `lift` (g,): what diffusion adds to the number of the nearest works of the sample, by their place among
    them. `outstanding` (g,): by how many spreads the raw cosines of their nearest works stand out from those of all works, by
    place; empty without a spread. `places` are the places.
    """

    works: np.ndarray
    near: np.ndarray
    lift: np.ndarray
    outstanding: np.ndarray
    identical: float
    """By how many spreads a raw cosine of 1 stands out."""
    familiar: float
    """The least cosine at which something is close (`artsim.search.familiarity`)."""
    fitted: int
    """Number of works that the collection had when this was fitted."""

    def outgrown_by(self, works: int) -> bool:
        """Whether so many works are better calibrated anew."""
        return not self.fitted / _REFIT_CHANGE <= works <= self.fitted * _REFIT_CHANGE

    def only(self, rows: np.ndarray, works: int) -> Calibration | None:
        """With only `rows` of so many `works`, which get new numbers; None for few works, which are calibrated anew."""
        if len(rows) <= REFIT_UP_TO:
            return None
        new_rows = np.full(works + 1, -1, np.int64)  # the last is that of -1
        new_rows[rows] = np.arange(len(rows))
        kept = new_rows[self.works] >= 0
        return replace(self, works=new_rows[self.works[kept]], near=new_rows[self.near[kept]])


def places(count: int) -> np.ndarray:
    """(count,): evenly spaced places in 0..1, each in the middle of its share."""
    return (np.arange(count) + 0.5) / max(count, 1)


def calibration_bytes(calibration: Calibration) -> bytes:
    """The calibration as the content of a safetensors file."""
    from safetensors.numpy import save

    values = {field.name: np.atleast_1d(getattr(calibration, field.name)) for field in fields(Calibration)}
    return save({name: np.ascontiguousarray(value, np.float32) for name, value in values.items()})


def load_calibration(path: Path, works: int) -> Calibration:
    """Read a file with the content of `calibration_bytes`, of so many works. Raises `CollectionError` for any other file."""
    with reading_tensors(path, "a file of space statistics") as (_, tensors):
        count = len(tensors["works"])
        check_shapes(
            tensors,
            {
                "works": (count,),
                "near": (count, None),
                **dict.fromkeys(("lift", "outstanding"), (None,)),
                **dict.fromkeys(("identical", "familiar", "fitted"), (1,)),
            },
        )
        sample, near = tensors["works"].astype(np.int64), tensors["near"].astype(np.int64)
        for rows, first in ((sample, 0), (near, -1)):
            if rows.size and not first <= rows.min() <= rows.max() < works:
                raise ValueError("it names works that there are not")
        return Calibration(
            works=sample,
            near=near,
            lift=tensors["lift"],
            outstanding=tensors["outstanding"],
            identical=float(tensors["identical"][0]),
            familiar=float(tensors["familiar"][0]),
            fitted=int(tensors["fitted"][0]),
        )
