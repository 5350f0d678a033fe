"""Memory of a process and of those that it started, as Linux counts it; nothing on other systems."""

from __future__ import annotations

import re
from pathlib import Path

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
