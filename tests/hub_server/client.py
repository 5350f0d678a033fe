"""The environment and a runner for client processes that talk to the loopback Hub, and only to it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hub_server import HubServer

# Variables that could direct a client elsewhere, or to a cache with other content.
_FOREIGN = ("HF_", "HUGGINGFACE_", "HUGGING_FACE_", "TRANSFORMERS_", "HUB_")


def hub_variables(hub: HubServer, home: Path) -> dict[str, str]:
    """The variables that point huggingface_hub, datasets and transformers at `hub`, with their caches under `home`."""
    return {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": hub.token,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # else datasets calls s3.amazonaws.com
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def is_foreign(variable: str) -> bool:
    """Whether a variable of the outer environment affects Hub clients."""
    return variable.startswith(_FOREIGN)


def client_environment(hub: HubServer, home: Path) -> dict[str, str]:
    """The environment for a child process: the outer one without variables of the Hub, plus `hub_variables`."""
    outer = {key: value for key, value in os.environ.items() if not is_foreign(key)}
    return outer | hub_variables(hub, home)


def run_python(
    code: str | Sequence[str | Path],
    env: Mapping[str, str],
    *,
    cwd: Path | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run this Python on a piece of code (a string) or on arguments (`["script.py", "--help"]`, `["-m", "x"]`).

    Does not raise for a bad exit status: check `returncode`, `stdout` and `stderr`.
    """
    arguments = ["-c", code] if isinstance(code, str) else [str(part) for part in code]
    return subprocess.run(
        [sys.executable, *arguments],
        env=dict(env),
        cwd=cwd,
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
