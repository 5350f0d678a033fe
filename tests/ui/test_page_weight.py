"""Weight of the app: what it imports on the way to the page and to an answer, and how large the page's scripts are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEVER = "torch transformers sentence_transformers datasets dill scipy sklearn".split()
"""What serving and searching do without, by their import names; matplotlib is hidden from Gradio."""
GRADIOS = "gradio mcp fastapi".split()
"""What only Gradio brings. (pyarrow imports pandas with the first array that becomes one of numpy.)"""
SCRIPT = f"""
import json, sys
from pathlib import Path
sys.path[:0] = ["tests", "scripts"]
loaded = {{}}
def look(stage, names):
    loaded[stage] = [name for name in names if name in sys.modules]
from PIL import Image
from artsim import open_collection
from artsim.encoders import load_encoder
from artsim.ui import launch, startup
collection = open_collection(sys.argv[1])
look("open", [*{NEVER + GRADIOS}, "faiss", "cv2", "openvino"])
collection.search(work=collection.ids[0])
load_encoder("embedded").embed_images([Image.new("RGB", (64, 64))])
look("search", {NEVER + GRADIOS})
launch.hide_matplotlib()
from served import context_over
from artsim.ui.interface import build_interface, launch_options
context = context_over(collection, Path(sys.argv[2]))
build_interface(context)
look("page", {NEVER})
size = sum(len(str(value)) for key, value in launch_options().items() if key in ("css", "head"))
print(json.dumps({{"loaded": loaded, "size": size}}))
"""


@pytest.mark.slow
def test_pages_and_searches_import_nothing_heavy_that_they_do_not_need(saved: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(saved), str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    built = json.loads(run.stdout.splitlines()[-1])
    assert built["loaded"] == {"open": [], "search": [], "page": []}
    assert built["size"] < 100_000
