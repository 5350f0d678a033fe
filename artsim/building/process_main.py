"""The process of one build: `python -m artsim.building.process_main`, started by `artsim.building.process`.

A build imports and allocates what serving does without: an app that has built its collection itself would keep that.

The request is a line of JSON. What goes back is lines of JSON, too: progress, log records and the error. When the input ends,
the caller has gone, and this process ends at once: the checkpoint of the build is complete at any moment.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from typing import IO, Any

from artsim.errors import ArtsimError

log = logging.getLogger(__name__)


def main() -> None:
    reports = _Reports(os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1))
    os.dup2(2, 1)  # whatever a library prints is no report
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, whose end closes the input
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_caller, name="caller", daemon=True).start()
    os.chdir(request["folder"])  # names of encoders may be paths
    logging.getLogger().addHandler(reports)
    logging.getLogger("artsim").setLevel(request["level"])
    os._exit(_build(request, reports))  # threads of native libraries may still run: see artsim.cli.run.leave


def _build(request: dict[str, Any], reports: _Reports) -> int:
    """The exit code."""
    from artsim.building.pipeline import build_collection
    from artsim.encoders import load_encoder
    from artsim.sources import open_source

    def progress(done: int, total: int | None) -> None:
        reports.send(done=done, total=total)

    try:
        encoder = load_encoder(request["encoder"], precision=request["precision"])
        source = open_source(request["source"])
        build_collection(source, encoder, request["out"], regions=request["regions"], progress=progress)
    except ArtsimError as error:
        reports.send(error=type(error).__name__, text=str(error))
        return 1
    except Exception:
        log.exception("The build failed.")
        return 1
    return 0


class _Reports(logging.Handler):
    """Sends reports to the caller, each a line; among them what is logged."""

    def __init__(self, lines: IO[str]) -> None:
        super().__init__()
        self._lines, self._write_lock = lines, threading.Lock()

    def send(self, **report: Any) -> None:
        with self._write_lock:
            self._lines.write(json.dumps(report) + "\n")

    def emit(self, record: logging.LogRecord) -> None:
        self.send(logger=record.name, level=record.levelno, text=self.format(record))


def _end_with_the_caller() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
