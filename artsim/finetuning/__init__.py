"""Transfer learning on a labelled art collection: from a backbone and labelled works to an encoder in a folder.

finetune(open_source("folder:PICTURES"), "embedded", "my-encoder", Recipe(label="style"))
encoder = load_encoder("my-encoder")

Importing it raises `TrainingError` where a package of the extra `train` is missing.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from artsim.errors import TrainingError

_PACKAGES = {"scikit-learn": "sklearn", "accelerate": "accelerate", "matplotlib": "matplotlib"}  # and their modules
_missing = [package for package, module in _PACKAGES.items() if find_spec(module) is None]
if _missing:
    raise TrainingError(
        f"Fine-tuning needs {' and '.join(_missing)}, which is not installed. "
        'Run: pip install "artsim[train]" (in a clone: pip install -r requirements-dev.txt)'
    )

from artsim.finetuning.recipe import Recipe  # noqa: E402

if TYPE_CHECKING:
    from artsim.finetuning.run import finetune

__all__ = ["Recipe", "finetune"]


def __getattr__(name: str) -> Any:
    """`finetune` is imported when it is first used: PyTorch, transformers and scikit-learn take seconds."""
    if name != "finetune":
        raise AttributeError(f"module 'artsim.finetuning' has no attribute {name!r}")
    from artsim.finetuning.run import finetune

    return finetune
