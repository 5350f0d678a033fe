"""transformers without progress bars and warnings while it loads a model or trains one, and as it was afterwards.

Both are settings of the whole process, which belongs to whoever imports artsim.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_one_at_a_time = threading.RLock()  # else the second of two would restore what the first has set


@contextmanager
def quiet_transformers() -> Iterator[None]:
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers import logging

    with _one_at_a_time:
        verbosity, shows_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        hub_shows_none = are_progress_bars_disabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()  # and those of huggingface_hub
        try:
            yield
        finally:
            logging.set_verbosity(verbosity)
            if shows_bars:
                with warnings.catch_warnings(action="ignore"):  # of an environment that disables those of the Hub
                    logging.enable_progress_bar()
                if hub_shows_none:
                    disable_progress_bars()
            elif not hub_shows_none:
                enable_progress_bars()
