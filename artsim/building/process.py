"""A build in a process of its own, which takes its memory with it: see `artsim.building.process_main`."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from artsim import errors
from artsim.collection import Collection
from artsim.encoders import Precision
from artsim.errors import ArtsimError, CollectionError
from artsim.messages.progress import Progress

_ROOT = Path(__file__).resolve().parents[2]  # where the package artsim is


def build_in_process(
    source: str, encoder: str, out: Path, *, precision: Precision, regions: bool, progress: Progress
) -> Collection:
    """As `build_collection`, with the names of the source and the encoder. The process ends with the caller's.

    Only encoders of artsim's own can be named (`is_own_encoder`). Raises what `build_collection` raises, and `CollectionError`
    if the process is ended by something else.
    """
    request = {
        "source": source,
        "encoder": encoder,
        "out": str(out.absolute()),
        "precision": precision,
        "regions": regions,
        "folder": str(Path.cwd()),
        "level": logging.getLogger("artsim").getEffectiveLevel(),
    }
    with _running(json.dumps(request)) as process:
        assert process.stdout is not None
        _listen(process.stdout, progress)
        code = process.wait()
    if code != 0:
        raise CollectionError(
            "The process that builds {out} has ended early (exit code {code}), perhaps for lack of memory. Start again: the "
            "build goes on.",
            out=out,
            code=code,
        )
    return Collection.from_folder(out)


@contextmanager
def _running(request: str) -> Iterator[subprocess.Popen[str]]:
    """The process with its request. Its input stays open until the block ends; then the process has ended, too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "artsim.building.process_main"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        try:
            process.stdin.write(f"{request}\n")
            process.stdin.flush()
        except BrokenPipeError:  # it has ended, which its exit code tells
            pass
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


def _listen(lines: IO[str], progress: Progress) -> None:
    """Pass on what the process reports until it ends. Raises the error that it reports."""
    for line in lines:
        report = json.loads(line)
        if "done" in report:
            progress(report["done"], report["total"])
        elif "error" in report:
            kind: type[ArtsimError] = getattr(errors, report["error"])
            raise kind(report["text"])
        else:
            logging.getLogger(report["logger"]).log(report["level"], "%s", report["text"])
