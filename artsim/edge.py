"""What `app.py` and the scripts share: errors as one sentence, progress as one bar."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from artsim.errors import ArtsimError

EXIT_BAD_INPUT = 2


def run_main(main: Callable[[], int]) -> None:
    """Exit with what `main` returns; an `ArtsimError` is one sentence on stderr and exit code 2, Ctrl-C is 130."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for noisy in ("httpx", "httpx2", "httpcore", "huggingface_hub", "datasets", "urllib3", "faiss.loader"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        sys.exit(main())
    except ArtsimError as error:
        print(f"\nError: {error}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        sys.exit(130)


class ProgressBar:
    """A progress bar in the terminal that `build_collection(progress=...)` can call."""

    def __init__(self, what: str) -> None:
        from tqdm import tqdm

        self._bar = tqdm(desc=what, unit=" works", smoothing=0.1, dynamic_ncols=True)

    def __call__(self, done: int, total: int | None) -> None:
        if self._bar.total != total:
            self._bar.total = total
            self._bar.initial = self._bar.n = 0
        self._bar.n = done
        self._bar.refresh()

    def close(self) -> None:
        self._bar.close()
