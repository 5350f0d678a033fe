"""The C library's allocator, set to give memory back to the system.

By default, glibc keeps a pool of memory for each of many threads and, once large blocks have been freed, takes later ones from
these pools, too. Pictures and vectors of visitors then leave pools full of holes, which grow for hours: `benchmark.py load`
shows it.
"""

from __future__ import annotations

import ctypes
import logging
import sys
import threading
import time

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt, as in malloc.h
_LARGE = 2**20  # bytes; larger blocks go back to the system as soon as they are freed
_POOLS = 2
_INTERVAL = 30.0  # seconds between two times that holes go back

log = logging.getLogger(__name__)


def give_memory_back() -> None:
    """For this process, from now on. Does nothing where the C library is not glibc."""
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):  # musl
        log.debug("This C library has no mallopt.")
        return
    for option, value in ((_ARENA_MAX, _POOLS), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE)):
        library.mallopt(option, value)
    threading.Thread(target=_give_holes_back, args=(library,), name="memory", daemon=True).start()


def _give_holes_back(library: ctypes.CDLL) -> None:
    while True:
        time.sleep(_INTERVAL)
        library.malloc_trim(0)  # without the interpreter's lock
