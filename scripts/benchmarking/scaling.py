"""What 10,000 to 100 million works need, computed from what the other benchmarks measured, and how well that predicts them.

Every quantity is a line over the number of works, `fixed + per_work * works`. A size that was measured is predicted from the
other sizes, so a prediction that fails is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from artsim.errors import ArtsimError

SIZES = (10**4, 10**5, 10**6, 10**7, 10**8)
CHECKED_FROM = 50_000  # works: smaller sizes serve only to predict larger ones
TOLERANCE = 1.5  # the most by which a prediction may be off, either way
PATIENCE_MS = 200.0  # that a query may take
NIGHT_H = 12.0  # that a build may take
CORES = 8  # of the machine that builds
MEMORY_GB = (16.0, 64.0)  # of machines that serve; three quarters are for the app
_SHARE = 0.75
_SEARCH = {"p50_ms": "a query: 300 candidates (ms)", "p50_tuned_ms": "a query: the whole search (ms)"}
_SPACE = {"build_s": "fit and index (s)", "space_mb": "memory of the space (MB)"}
QUANTITIES = {**_SEARCH, **_SPACE}
"""What `search` measures, and what it is called in the table of checks."""


@dataclass(frozen=True)
class Line:
    """`fixed + per_work * works`."""

    fixed: float
    per_work: float

    @classmethod
    def through(cls, points: Mapping[int, float]) -> Line:
        """The line nearest to `points`, works -> value > 0, by relative errors; neither part is negative."""
        works, values = (np.array(list(column), float) for column in zip(*sorted(points.items()), strict=True))
        if len(points) == 1:
            return cls(0.0, float(values[0] / works[0]))
        (fixed, per_work), *_ = np.linalg.lstsq(
            np.stack([1 / values, works / values], 1), np.ones(len(works)), rcond=None
        )
        if fixed < 0:
            return cls(0.0, float(np.mean(values / works)))
        return cls(float(fixed), 0.0) if per_work < 0 else cls(float(fixed), float(per_work))

    def at(self, works: int) -> float:
        return self.fixed + self.per_work * works


@dataclass(frozen=True)
class Check:
    """One measured size beside what the others predict for it."""

    quantity: str
    works: int
    predicted: float
    measured: float

    @property
    def ratio(self) -> float:
        return self.predicted / self.measured

    @property
    def holds(self) -> bool:
        return 1 / TOLERANCE <= self.ratio <= TOLERANCE


def read_measured(files: Sequence[Path]) -> dict[str, Any]:
    """The constants in `files`, which other benchmarks wrote with `--json`, or this one: what a later file has counts.

    `ArtsimError` for a file that is none, and when something is missing.
    """
    measured: dict[str, Any] = {"search": {}, "rehearse": {}, "encode": {}, "memory": {}, "disk": {}, "commands": {}}
    for file in files:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            for part, values in _constants(content).items():
                measured[part].update(values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtsimError(
                f"{file} is no file of figures that `benchmark.py search`, `encode`, `startup`, `rehearse` or `scaling` wrote "
                f"with --json ({type(error).__name__}: {error})."
            ) from error
    missing = {
        "search --sizes 10000,81444,1000000": len(measured["search"]) < 3,
        "encode": not measured["encode"],
        "startup": str(_MET) not in measured["memory"] or _OF_REAL_WORKS[0] not in measured["disk"],
        "startup --works 81444": len(measured["memory"]) < 2 or "vectors" not in measured["disk"],
    }
    if any(missing.values()):
        names = ", ".join(f"`benchmark.py {name}`" for name, absent in missing.items() if absent)
        raise ArtsimError(f"Figures are missing: run {names} with --json FILE, and give each file with --from FILE.")
    return measured


def _constants(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What one file has, part -> name -> values; all names are texts, as JSON keeps them."""
    kind = content["benchmark"]
    if kind == "scaling":
        return dict(content["measured"])
    command = {"commands": {kind: {"command": content["command"], "processor": content["machine"]["processor"]}}}
    if kind == "search":
        rows = {
            str(row["works"]): {
                "p50_ms": row["p50_ms"],
                "p50_tuned_ms": row["p50_tuned_ms"],
                "build_s": row["build_s"],
                "space_mb": row["bytes_per_work"] * row["works"] / 1e6,
            }
            for row in content["results"]
        }
        return {"search": rows, **command}
    if kind == "rehearse":
        return {"rehearse": {str(row["works"]): {"p50_ms": row["p50_ms"]} for row in content["results"]}, **command}
    if kind == "encode":
        cores = content["machine"]["cores"]
        encoders = {
            _named(row): {
                "core_s": cores / row["images_per_s"],
                "beside_gpu_core_s": cores * sum(_apart_from_model(row["stage_ms_per_image"])) / 1000,
            }
            for row in content["encoders"]
        }
        return {"encode": encoders, "commands": {f"encode {name}": command["commands"][kind] for name in encoders}}
    if kind == "startup":
        works = content["works"] or _MET
        start = content["later_start"]
        memory = {str(works): {"stays_mb": start["anonymous_searched_mb"], "resident_mb": start["rss_searched_mb"]}}
        sizes = content.get("disk_bytes", {})
        disk = {
            group: size if group == _FITTED else size / works
            for group, size in sizes.items()
            if (group in _OF_REAL_WORKS) == (works == _MET)
        }
        return {"memory": memory, "disk": disk, "commands": {f"startup {works}": command["commands"][kind]}}
    raise KeyError(f"benchmark {kind}")


_MET = 174  # paintings that `startup` serves without --works
_OF_REAL_WORKS = ("metadata", "recognition")  # variants have the same texts again and again, and are not recognised
_PER_WORK = ("metadata", "vectors", "recognition", "index")
_FITTED = "fitted"  # bytes that do not grow with the works


def _named(row: Mapping[str, Any]) -> str:
    return str(row["encoder"]).replace(", random weights", "") + ("" if row["precision"] == "float32" else ", bf16")


def _apart_from_model(stages: Mapping[str, float]) -> Iterator[float]:
    return (milliseconds for stage, milliseconds in stages.items() if stage != "model")


def checks_of(measured: Mapping[str, Any]) -> list[Check]:
    """Each measured size of `CHECKED_FROM` works and more beside the prediction of the others; a rehearsal beside that of all."""
    checks, rows = [], measured["search"]
    for quantity, title in QUANTITIES.items():
        for works, row in rows.items():
            if int(works) >= CHECKED_FROM:
                others = {size: other for size, other in rows.items() if size != works}
                checks.append(Check(title, int(works), _line(others, quantity).at(int(works)), row[quantity]))
    line = _line(rows, "p50_ms")
    for works, value in _points(measured["rehearse"], "p50_ms").items():
        checks.append(Check(f"{_SEARCH['p50_ms']}, rehearsal", works, line.at(works), value))
    return checks


def _line(rows: Mapping[str, Mapping[str, float]], quantity: str) -> Line:
    """A quantity of `search`, over the works. Of the whole search, only the index sees all works: the rest does not grow."""
    if quantity != "p50_tuned_ms":
        return Line.through(_points(rows, quantity))
    index = _line(rows, "p50_ms")
    rest = float(np.mean([row["p50_tuned_ms"] - row["p50_ms"] for row in rows.values()]))
    return Line(index.fixed + rest, index.per_work)


def _points(rows: Mapping[str, Mapping[str, float]], name: str) -> dict[int, float]:
    return {int(works): row[name] for works, row in rows.items()}


def rows_of(measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a collection of each of `SIZES` needs."""
    lines = {name: _line(measured["search"], name) for name in QUANTITIES}
    memory = {name: Line.through(_points(measured["memory"], name)) for name in ("stays_mb", "resident_mb")}
    disk = measured["disk"]
    rows = []
    for works in SIZES:
        row = {
            "works": works,
            "disk_gb": (disk[_FITTED] + works * sum(disk[group] for group in _PER_WORK)) / 1e9,
            "pictures_gb": disk["pictures"] * works / 1e9,
            "memory_gb": memory["stays_mb"].at(works) / 1e3,
            "resident_gb": memory["resident_mb"].at(works) / 1e3,
            "core_hours": {name: each["core_s"] * works / 3600 for name, each in measured["encode"].items()},
            "beside_gpu_core_hours": {
                name: each["beside_gpu_core_s"] * works / 3600 for name, each in measured["encode"].items()
            },
            "index_hours": lines["build_s"].at(works) / 3600,
            "index_ms": lines["p50_ms"].at(works),
            "search_ms": lines["p50_tuned_ms"].at(works),
        }
        rows.append(row | {"design": _design(row)})
    return rows


def _design(row: Mapping[str, Any]) -> str:
    """What holds such a collection, and the number that decides."""
    memory, night = row["memory_gb"], min(row["core_hours"].values()) / NIGHT_H
    fitting = next((size for size in MEMORY_GB if memory <= _SHARE * size), None)
    if fitting is None:
        serving = f"several collections, each on its own: {memory:,.0f} GB would stay in memory"
    elif row["search_ms"] > PATIENCE_MS:
        serving = f"Milvus, {fitting:.0f} GB: {row['search_ms']:,.0f} ms in one process"
    else:
        serving = f"one process, {fitting:.0f} GB"
    building = "one machine" if night <= CORES else f"Ray, {np.ceil(night):,.0f} cores for a night"
    return f"{serving}; built by {building}"


def tables_of(measured: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The lines of two tables in Markdown: what each size needs, and the checks."""
    rows, encoders = rows_of(measured), list(measured["encode"])
    needs: dict[str, list[str]] = {
        "works": [f"{row['works']:,}" for row in rows],
        "disk, without pictures": [_size(row["disk_gb"]) for row in rows],
        "pictures, as in the measured collection": [_size(row["pictures_gb"]) for row in rows],
        "memory that stays": [_size(row["memory_gb"]) for row in rows],
        "resident, with mapped files": [_size(row["resident_gb"]) for row in rows],
        **{f"build, {name}: core-hours": [_number(row["core_hours"][name]) for row in rows] for name in encoders},
        **{
            f"of these, all but the network, {name}": [_number(row["beside_gpu_core_hours"][name]) for row in rows]
            for name in encoders
        },
        "fit and index: hours": [_number(row["index_hours"]) for row in rows],
        "a query: 300 candidates": [_time(row["index_ms"]) for row in rows],
        "a query: the whole search": [_time(row["search_ms"]) for row in rows],
        "what holds it": [row["design"] for row in rows],
    }
    found = [
        [
            check.quantity,
            f"{check.works:,}",
            _number(check.predicted),
            _number(check.measured),
            f"{check.ratio:.2f}" + ("" if check.holds else ": fails"),
        ]
        for check in checks_of(measured)
    ]
    head = ["", "works", "predicted", "measured", "ratio"]
    turned = [[name, *values] for name, values in needs.items()]
    return _markdown(turned), _markdown([head, *found])


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in chain([rows[0], rule], rows[1:])]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _size(gigabytes: float) -> str:
    return f"{_number(gigabytes)} GB" if gigabytes >= 1 else f"{gigabytes * 1e3:,.0f} MB"


def _time(milliseconds: float) -> str:
    return f"{_number(milliseconds)} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def compute_scaling(files: Sequence[Path]) -> dict[str, Any]:
    """Print both tables. Raises `ArtsimError` as `read_measured` does, and where a prediction fails once all is printed."""
    measured = read_measured(files)
    needs, checks = tables_of(measured)
    print("\n".join([*needs, "", *checks]))
    failed = [check for check in checks_of(measured) if not check.holds]
    return {
        "measured": measured,
        "rows": rows_of(measured),
        "checks": [check.__dict__ | {"ratio": check.ratio, "holds": check.holds} for check in checks_of(measured)],
        "holds": not failed,
    }
