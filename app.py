"""The app, here and on a Space: `artsim serve` for a clone. `python app.py --help` lists the options."""

import os

if os.environ.get("SPACES_ZERO_GPU"):
    import artsim.encoders.zero_gpu  # noqa: F401 - on ZeroGPU it must come before torch
from artsim.cli.main import entry

if __name__ == "__main__":
    entry("serve")
