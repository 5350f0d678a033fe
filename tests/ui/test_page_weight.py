"""Weight of the page: no neural network library is imported before it is up, and its scripts stay small."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
from pathlib import Path
sys.path[:0] = ["tests", "scripts"]
from served import context_over
from artsim import open_collection
from artsim.ui.interface import build_interface, launch_options
context = context_over(open_collection(sys.argv[1]), Path(sys.argv[2]))
build_interface(context)
size = sum(len(str(value)) for key, value in launch_options(context).items() if key in ("css", "head"))
print(json.dumps({"loaded": [name for name in ("torch", "transformers") if name in sys.modules], "size": size}))
"""


@pytest.mark.slow
def test_the_page_is_built_without_torch_or_transformers(saved: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(saved), str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    built = json.loads(run.stdout.splitlines()[-1])
    assert built["loaded"] == []
    assert built["size"] < 100_000
