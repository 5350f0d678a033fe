"""Fine-tune an encoder on labelled works: transfer learning in two phases, with a report of what it gains and what it costs.

The folder it writes is an encoder: give it as --encoder. Run again after an interruption, it goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from artsim.building.progress_bar import ProgressBar
from artsim.cli.source_options import add_source_arguments, open_given_source

HELP = "fine-tune an encoder on labelled works"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_arguments(parser)
    parser.add_argument("--label", required=True, help="the column to learn, such as style")
    parser.add_argument(
        "--backbone", default="embedded", help="embedded, a Hub model id, or a folder with a model (default: embedded)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the encoder and the report")
    works = parser.add_argument_group("which works")
    works.add_argument(
        "--min-per-class", type=int, default=8, help="classes with fewer works are left out (default: 8)"
    )
    works.add_argument(
        "--max-per-class", type=int, default=5000, help="a draw of so many from larger classes (default: 5000)"
    )
    works.add_argument(
        "--split",
        default="auto",
        help="stratified: class by class; artist: no artist on two sides; auto: artist where there are enough (default)",
    )
    works.add_argument("--artist", default="artist", metavar="COLUMN", help="who made a work (default: artist)")
    training = parser.add_argument_group("how they are learned")
    training.add_argument(
        "--views", type=int, default=3, help="pictures per work: itself and altered ones (default: 3)"
    )
    training.add_argument("--dimension", type=int, default=64, help="length of the learned vector (default: 64)")
    training.add_argument("--head-epochs", type=int, default=60, help="of the first phase (default: 60)")
    training.add_argument(
        "--top-epochs", type=int, default=0, help="of the second phase; 0: backbone as it is (default: 0)"
    )
    training.add_argument(
        "--folds",
        type=int,
        help="train so many times more, each artist held out once, for the report (default: 3 for up to 2,000 works, else 0)",
    )
    training.add_argument("--seed", type=int, default=0, help="of the split and of training (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    from artsim.finetuning import Recipe, finetune

    names = "label split artist min_per_class max_per_class views dimension head_epochs top_epochs folds seed".split()
    recipe = Recipe(**{name: getattr(arguments, name) for name in names})
    source = open_given_source(arguments)
    bars = _Bars()
    try:
        out = finetune(source, arguments.backbone, arguments.out, recipe, progress=bars)
    finally:
        bars.close()
    print(f"Encoder: {out}")
    print(f"Report: {out / 'report.md'}")
    return 0


class _Bars:
    """A progress bar for each step, one after the other: the step before is done when the next begins."""

    def __init__(self) -> None:
        self._bars: dict[str, ProgressBar] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._bars:
            self.close()
            self._bars[what] = ProgressBar(what)
        self._bars[what](done, total)

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()
