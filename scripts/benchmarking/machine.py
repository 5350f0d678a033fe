"""Facts about the machine that speed depends on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_FLAGS = "avx2 avx512f avx512_vnni avx512_bf16 avx512_fp16 avx_vnni amx_bf16 amx_int8 asimd bf16 i8mm sve".split()
_PACKAGES = "torch transformers datasets faiss-cpu numpy pillow gradio huggingface_hub sentence-transformers".split()


def machine_facts() -> dict[str, Any]:
    """Processor, cores, memory, versions, and the load before the measurement."""
    model, flags = _processor()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": model,
        "cores": usable,
        "cpu_flags": [flag for flag in _FLAGS if flag in flags],
        "memory_gb": _memory_gb(),
        "load_average": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def _processor() -> tuple[str, set[str]]:
    """Name and feature flags of the processor; flags come from /proc/cpuinfo, so on Linux only."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return platform.processor() or "unknown", set()
    facts: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    flags = facts.get("flags", facts.get("Features", ""))
    return facts.get("model name", platform.processor() or "unknown"), set(flags.split())


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):  # not available on this system
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
