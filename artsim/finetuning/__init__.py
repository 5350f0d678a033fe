"""Transfer learning on a labelled art collection: from a backbone and labelled works to an encoder in a folder.

finetune(open_source("folder:PICTURES"), "embedded", "my-encoder", Recipe(label="style"))
encoder = load_encoder("my-encoder")
"""

from artsim.finetuning.recipe import Recipe
from artsim.finetuning.run import finetune

__all__ = ["Recipe", "finetune"]
