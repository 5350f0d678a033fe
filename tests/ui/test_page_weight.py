"""Weight of the page: no neural network library is imported before it is up, and its scripts stay small."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
from pathlib import Path
from artsim.opening import open_collection
from artsim.ui.thumbnail_cache import Thumbnails
from artsim.ui.context import Context
from artsim.ui.interface import build_interface, launch_options
from artsim.ui.readiness import Readiness
from artsim.messages.strings import load_strings
collection = open_collection(sys.argv[1])
context = Context(collection, Thumbnails(collection, Path(sys.argv[2])), Readiness(collection), load_strings(),
    "tiny-clip", "as asked")
build_interface(context)
size = sum(len(str(value)) for key, value in launch_options(context).items() if key in ("css", "head"))
print(json.dumps({"loaded": [name for name in ("torch", "transformers") if name in sys.modules], "size": size}))
"""


def test_the_page_is_built_without_torch_or_transformers(saved: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(saved), str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    built = json.loads(run.stdout.splitlines()[-1])
    assert built["loaded"] == []
    assert built["size"] < 100_000
