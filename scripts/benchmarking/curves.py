"""Figures over the number of works as a picture: SVG, with text as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CURVES = {
    "numpy_p50_ms": "matrix @ query, full width",
    "p50_tuned_ms": "search(work=), the whole of it",
    "p50_ms": "300 candidates of the index",
}
"""Keys of a result of `search` -> what the curve is called."""


def draw_searches(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Milliseconds of a query over works, both in powers of ten. Needs matplotlib."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    works = [result["works"] for result in results]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "artsim", "font.family": "sans-serif"}):
        figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
        for key, name in CURVES.items():
            axes.plot(works, [result[key] for result in results], marker="o", label=name)
        axes.set(xscale="log", yscale="log", xlabel="works", ylabel="ms a query, median")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
