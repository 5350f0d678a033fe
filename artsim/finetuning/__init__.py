"""Transfer learning on a labelled art collection: from a backbone and labelled works to an encoder in a folder.

finetune(open_source("folder:PICTURES"), "embedded", "my-encoder", Recipe(label="style"))
encoder = load_encoder("my-encoder")

Importing it raises `TrainingError` where a package of the extra `train` is missing.
"""

from importlib.util import find_spec

from artsim.errors import TrainingError

_PACKAGES = {"scikit-learn": "sklearn", "accelerate": "accelerate", "matplotlib": "matplotlib"}  # and their modules
_missing = [package for package, module in _PACKAGES.items() if find_spec(module) is None]
if _missing:
    raise TrainingError(
        f"Fine-tuning needs {' and '.join(_missing)}, which is not installed. "
        'Run: pip install "artsim[train]" (in a clone: pip install -r requirements-dev.txt)'
    )

from artsim.finetuning.recipe import Recipe  # noqa: E402 - it imports these packages
from artsim.finetuning.run import finetune  # noqa: E402

__all__ = ["Recipe", "finetune"]
