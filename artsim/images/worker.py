"""The process that decodes picture files: `python -m artsim.images.worker`, started by `artsim.images.worker_pool`.

Decoders are large programs in C. A hostile file may make them hang, take all memory, crash, or do worse; so they run here,
with limits of time and memory, no secrets in the environment, and no way to write a file. What goes back is JSON and pixels,
never objects: whoever takes over this process gets no code into the app.

A request is a line of JSON and the bytes of the file; an answer is a line of JSON and, if that has a size, the lines of the
RGB picture.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from PIL import Image

from artsim.errors import ImageError
from artsim.images.formats import MAX_MEMORY
from artsim.images.picture_file import decode_file, load_heic_reader, size_of_file, too_much_memory

_MOST_WARNINGS, _LONGEST_WARNING = 5, 500  # of one picture; characters


def main() -> None:
    """Answer requests until the app has gone."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the app, which ends this process by closing its input
    Image.MAX_IMAGE_PIXELS = None  # artsim's own limit, checked on the header, gives a better message
    load_heic_reader()
    _limit_process()
    warnings = _Warnings()
    logging.getLogger("artsim").addHandler(warnings)
    _send(answers, {"ready": True})
    while request := sys.stdin.buffer.readline():
        asked = json.loads(request)
        data = sys.stdin.buffer.read(asked.pop("bytes"))
        _limit_time(asked.pop("seconds"))
        warnings.texts.clear()
        try:
            size, strips = (size_of_file(data), ()) if asked.pop("size_only") else decode_file(data, **asked)
        except MemoryError:
            _send_error(answers, too_much_memory(""))
            return  # what a decoder may have left behind goes, too
        except ImageError as error:
            _send_error(answers, error)
        else:
            _send(answers, {"size": size, "warnings": warnings.texts}, strips)
            del strips
        del data
        _limit_time(0)


class _Warnings(logging.Handler):
    """Keeps what is logged, for the log of the app."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.texts) < _MOST_WARNINGS:
            self.texts.append(record.getMessage()[:_LONGEST_WARNING])


def _send(answers: IO[bytes], answer: dict[str, Any], strips: Iterable[Image.Image] = ()) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    for strip in strips:
        answers.write(strip.tobytes())
    answers.flush()


def _send_error(answers: IO[bytes], error: ImageError) -> None:
    values = {name: value for name, value in error.message.values.items() if name != "label"}
    _send(answers, {"error": error.message.template, "values": values})


def _limit_process() -> None:
    """Limit the memory of this process, and keep it from writing files and dumps."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":  # elsewhere, the system ignores this limit
        size, resident, *_ = map(int, Path("/proc/self/statm").read_text().split())
        most = MAX_MEMORY + (size - resident) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _limit_time(seconds: float) -> None:
    """Let the system end this process after `seconds`, also in the middle of a decoder; 0 for never.

    The app does so itself a little earlier; this is for when the app has gone.
    """
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
