"""What `app.py` and the scripts share: errors as one sentence, progress as one bar."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from artsim.errors import ArtsimError
from artsim.ui.http.json_log import logs_as_json

log = logging.getLogger(__name__)

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_UNREAD = 141  # that of a command which the signal PIPE ends


def run_main(main: Callable[[], int]) -> None:
    """Exit with what `main` returns; an `ArtsimError` is one sentence on stderr and exit code 2, Ctrl-C is 130."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for noisy in ("httpx", "httpx2", "httpcore", "mcp", "huggingface_hub", "datasets", "urllib3", "faiss.loader"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(True)  # such as Pillow's about damaged files: the report names those
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    try:
        code = main()
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:  # as of `artsim inspect ... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(EXIT_UNREAD)
    except ArtsimError as error:
        if logs_as_json():
            log.error("%s", error)  # noqa: TRY400  # a sentence for people, no traceback
        else:
            print(f"Error: {error}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        leave(EXIT_INTERRUPTED)


def leave(code: int) -> NoReturn:
    """Exit at once. Where threads of native libraries still run, Python's own end of a process aborts (-6, "terminate called
    without an active exception"), or waits for work that nobody needs any more."""
    for process in multiprocessing.active_children():
        process.kill()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
