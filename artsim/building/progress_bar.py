"""Progress bar of a long task in the terminal."""

from __future__ import annotations

from typing import Any


class ProgressBar:
    """A progress bar for `build_collection(progress=...)`. It appears with the first call.

    It is disabled if stderr is a file or a pipe.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Any = None

    def __call__(self, done: int, total: int | None) -> None:
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                desc=self._label,
                unit=" works",
                initial=done,
                total=total,
                disable=None,
                smoothing=0.1,
                dynamic_ncols=True,
            )
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
