"""CLIP checkpoints with random weights: as fast as the real ones, and made without a download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
_TINY = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
VISION: dict[str, dict[str, int]] = {
    "vit-b-32": {**_BASE, "image_size": 224, "patch_size": 32},
    "vit-b-16": {**_BASE, "image_size": 224, "patch_size": 16},
    "tiny": {**_TINY, "image_size": 32, "patch_size": 8},
}


def make_random_clip(name: str, folder: Path) -> Path:
    """Write a checkpoint in Hub format to `folder`; return the folder.

    For "vit-b-32" and "vit-b-16" the vision tower has its real size. The text tower has one layer, since only pictures are
    timed; the tokenizer knows single letters.
    """
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer, logging
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    letters = list(bytes_to_unicode().values())
    vocabulary = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    CLIPTokenizer.from_pretrained(folder, model_max_length=77).save_pretrained(folder)
    last = len(vocabulary) - 1
    text: dict[str, Any] = {"hidden_size": 512, "num_hidden_layers": 1, "num_attention_heads": 8}
    text |= {"vocab_size": len(vocabulary), "bos_token_id": last - 1, "eos_token_id": last, "pad_token_id": last}
    CLIPModel(CLIPConfig(text_config=text, vision_config=VISION[name], projection_dim=512)).save_pretrained(folder)
    side = VISION[name]["image_size"]
    processor = CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    processor.save_pretrained(folder)
    return folder
