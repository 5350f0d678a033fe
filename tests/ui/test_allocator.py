"""Threads of the app share few pools of memory."""

import subprocess
import sys
from pathlib import Path

import pytest

POOLS = """
import ctypes, sys, threading
from artsim.ui.allocator import give_memory_back
give_memory_back()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
meet = threading.Barrier(8)
def take():
    meet.wait()
    for _ in range(100):
        libc.malloc(ctypes.c_size_t(1000))
    meet.wait()
threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_eight_threads_share_two_pools(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", POOLS, str(tmp_path / "info.xml")], check=True, cwd=Path(__file__).parents[2])
    assert (tmp_path / "info.xml").read_text().count("<heap nr=") <= 2
