"""Fine-tune an encoder on labelled works: `artsim finetune` for a clone."""

import _clone  # noqa: F401

from artsim.cli.main import entry

if __name__ == "__main__":
    entry("finetune")
