"""A runner for Python in a process of its own."""

import subprocess
import sys
from collections.abc import Mapping


def run_python(code: str, env: Mapping[str, str], *, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run code with this Python. Does not raise for a bad exit status: check `returncode`, `stdout` and `stderr`."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=dict(env),
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
