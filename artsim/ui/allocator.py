"""The C library's allocator, set to give memory back to the system.

By default, glibc keeps a pool of memory for each of many threads and, once large blocks have been freed, takes later ones from
these pools, too. Pictures and vectors of visitors then leave pools full of holes, which grow for hours: `benchmark.py load`
shows it. Arrow has pools of its own, which keep 10 MB after a collection has been opened; it takes the C library's instead.
"""

from __future__ import annotations

import ctypes
import logging
import sys
import threading
import time

import pyarrow as pa

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt, as in malloc.h
_LARGE = 2**18  # bytes, less than a picture has; larger blocks go back to the system as soon as they are freed
_POOLS = 2
_INTERVAL = 30.0  # seconds between two times that holes go back

log = logging.getLogger(__name__)


def give_memory_back() -> None:
    """For this process, from now on: call it before much is read. Does nothing where the C library is not glibc."""
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):  # musl
        log.debug("This C library has no mallopt.")
        return
    for option, value in ((_ARENA_MAX, _POOLS), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE)):
        library.mallopt(option, value)
    pa.set_memory_pool(pa.system_memory_pool())
    threading.Thread(target=_give_holes_back_forever, name="memory", daemon=True).start()


def give_holes_back() -> None:
    """Give back what this process has freed up to now, as `give_memory_back` does from time to time."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)  # without the interpreter's lock


def _give_holes_back_forever() -> None:
    while True:
        time.sleep(_INTERVAL)
        give_holes_back()
