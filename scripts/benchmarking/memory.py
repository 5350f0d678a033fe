"""Memory of a process and of those that it started, as Linux counts it; nothing on other systems."""

from __future__ import annotations

import re
import threading
from pathlib import Path

_EVERY_S = 0.2
_FIELD = re.compile(r"^(Rss|Pss|Anonymous):\s+(\d+) kB", re.MULTILINE)


def memory_of(pid: int) -> dict[str, float]:
    """Megabytes of one process: "rss", all that it has in memory; "pss", in which what it shares is divided; "anonymous", what is
    in no file, so that the system cannot take it back."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:  # it has ended
        return {}
    return {name.lower(): int(kilobytes) * 1024 / 1e6 for name, kilobytes in _FIELD.findall(rollup)}


def memory_with_children(pid: int) -> float:
    """Megabytes (PSS) of a process and of all that it started; 0 on other systems."""
    return sum(memory_of(process).get("pss", 0.0) for process in _family(pid))


def _family(pid: int) -> set[int]:
    """A process and all that it started, directly or not."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def memory_by_kind() -> dict[str, float]:
    """Gigabytes of this process: "anonymous", its own, and "mapped", pages of files, which the system takes away if it must."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return {}
    fields = {"anonymous": "RssAnon", "mapped": "RssFile"}
    return {kind: 1024e-9 * int(status.split(f"{name}:")[1].split()[0]) for kind, name in fields.items()}


class PeakMemory:
    """A block whose `anonymous_gb` is the most memory of its own that the process had in it; None on other systems."""

    def __init__(self) -> None:
        self._peak, self._ended = 0.0, threading.Event()

    def __enter__(self) -> PeakMemory:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def anonymous_gb(self) -> float | None:
        return round(self._peak, 2) or None

    def _watch(self) -> None:
        while True:
            self._peak = max(self._peak, memory_by_kind().get("anonymous", 0.0))
            if self._ended.wait(_EVERY_S):
                return
