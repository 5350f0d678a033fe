"""Checkpoints with random weights: as fast as the real ones, and made without a download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
_TINY = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
_VISION: dict[str, dict[str, int]] = {
    "vit-b-32": {**_BASE, "image_size": 224, "patch_size": 32},
    "vit-b-16": {**_BASE, "image_size": 224, "patch_size": 16},
    "tiny": {**_TINY, "image_size": 32, "patch_size": 8},
}


def make_random_model(name: str, folder: Path) -> Path:
    """Write the model `name` in Hub format to `folder`; return the folder."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if name in _VISION:
        config, processor = clip_config(name, folder)
        model: Any = transformers.CLIPModel(config)
    else:
        model, processor = _without_texts(name)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _without_texts(name: str) -> tuple[Any, Any]:
    """Model and image processor of a family that embeds pictures only."""
    import transformers

    if name == "resnet-50":
        processor = transformers.ConvNextImageProcessor(size={"shortest_edge": 224}, crop_pct=0.875)
        return transformers.ResNetModel(transformers.ResNetConfig()), processor
    small = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6}
    processor = transformers.BitImageProcessor(size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224})
    if name == "dinov2-s":
        return transformers.Dinov2Model(transformers.Dinov2Config(**small, image_size=518, patch_size=14)), processor
    config = transformers.DINOv3ViTConfig(
        **small, intermediate_size=1536, image_size=224, patch_size=16, num_register_tokens=4
    )
    return transformers.DINOv3ViTModel(config), processor


def clip_config(name: str, folder: Path) -> tuple[Any, Any]:
    """Configuration and image processor of a CLIP; its tokenizer, which knows single letters, is written to `folder`.

    For "vit-b-32" and "vit-b-16" the vision tower has its real size, and the text tower one layer, since only pictures are
    timed. "tiny" has joint vectors of 24 numbers and reads texts of up to 20 letters.
    """
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    vocabulary = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    longest = 20 if name == "tiny" else 77
    CLIPTokenizer.from_pretrained(folder, model_max_length=longest).save_pretrained(folder)
    last = len(vocabulary) - 1
    text = _TINY if name == "tiny" else {"hidden_size": 512, "num_hidden_layers": 1, "num_attention_heads": 8}
    ids = {"vocab_size": len(vocabulary), "bos_token_id": last - 1, "eos_token_id": last, "pad_token_id": last}
    config = CLIPConfig(
        text_config={**text, **ids, "max_position_embeddings": longest},
        vision_config=_VISION[name],
        projection_dim=24 if name == "tiny" else 512,
    )
    side = _VISION[name]["image_size"]
    return config, CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
