"""Make real, tiny, randomly initialised checkpoints, with the files of a checkpoint on the Hub.

They load fast through `AutoModel`, `AutoImageProcessor` and `AutoTokenizer` and know nothing of art, but equal pictures get
equal vectors and different pictures different ones: enough for every test that does not measure likeness.
To write one to a folder: python tests/checkpoints.py resnet FOLDER
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORDS = "a an the of painting portrait woman man horse boat river garden winter night blue red gold and with in".split()


def make_clip(folder: Path) -> Path:
    """CLIP: pictures of 32 x 32, joint vectors of 24 numbers, CLIP's own byte-pair tokenizer (without merges)."""
    from benchmarking.checkpoints import clip_config
    from transformers import CLIPModel

    config, processor = clip_config("tiny", folder)
    return _save(folder, CLIPModel, config, processor)


def make_siglip(folder: Path) -> Path:
    """SigLIP: pictures squeezed to 32 x 32, texts padded to 12 tokens."""
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

    vocabulary = _save_word_tokenizer(folder, length=12)
    config = SiglipConfig(
        text_config={**_LAYERS, "vocab_size": vocabulary, "max_position_embeddings": 12, "projection_size": 32},
        vision_config={**_LAYERS, "image_size": 32, "patch_size": 8},
    )
    return _save(folder, SiglipModel, config, SiglipImageProcessor(size={"height": 32, "width": 32}))


def make_siglip2(folder: Path) -> Path:
    """SigLIP2 with free aspect ratio: at most 16 patches of 8 x 8 pixels, in the picture's own shape."""
    from transformers import Siglip2Config, Siglip2ImageProcessor, Siglip2Model

    vocabulary = _save_word_tokenizer(folder, length=12)
    config = Siglip2Config(
        text_config={**_LAYERS, "vocab_size": vocabulary, "max_position_embeddings": 12, "projection_size": 32},
        vision_config={**_LAYERS, "num_patches": 16, "patch_size": 8},
    )
    return _save(folder, Siglip2Model, config, Siglip2ImageProcessor(patch_size=8, max_num_patches=16))


def make_dinov2(folder: Path) -> Path:
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

    processor = BitImageProcessor(
        size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}, do_resize=True, do_center_crop=True
    )
    return _save(folder, Dinov2Model, Dinov2Config(**_VIT, image_size=32, patch_size=8), processor)


def make_dinov3(folder: Path) -> Path:
    """DINOv3, whose processor transformers has for torchvision only: its file is written as on the Hub."""
    from transformers import DINOv3ViTConfig, DINOv3ViTModel, ViTImageProcessorPil

    size = {"height": 32, "width": 32}
    config = DINOv3ViTConfig(**_LAYERS, image_size=32, patch_size=8, num_register_tokens=2)
    _save(folder, DINOv3ViTModel, config, ViTImageProcessorPil(size=size))
    numbers = {
        "crop_size": None, "data_format": "channels_first", "do_center_crop": None, "do_normalize": True, "do_rescale": True,
        "do_resize": True, "image_mean": [0.485, 0.456, 0.406], "image_processor_type": "DINOv3ViTImageProcessorFast",
        "image_std": [0.229, 0.224, 0.225], "resample": 2, "rescale_factor": 0.00392156862745098, "size": size,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(numbers), encoding="utf-8")
    return folder


def make_resnet(folder: Path) -> Path:
    """ResNet of three stages, for pictures of 64 x 64."""
    from transformers import ConvNextImageProcessor, ResNetConfig, ResNetModel

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 24], depths=[1, 1, 1], layer_type="basic")
    return _save(folder, ResNetModel, config, ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.875))


def make_efficientnet(folder: Path) -> Path:
    """EfficientNet of three stages, for pictures of 64 x 64."""
    from transformers import EfficientNetConfig, EfficientNetImageProcessor, EfficientNetModel

    config = EfficientNetConfig(
        width_coefficient=0.25,
        depth_coefficient=1.0,
        kernel_sizes=[3, 3, 5],
        in_channels=[32, 16, 24],
        out_channels=[16, 24, 40],
        strides=[1, 2, 2],
        num_block_repeats=[1, 1, 1],
        expand_ratios=[1, 6, 6],
        hidden_dim=320,
        image_size=64,
    )
    return _save(folder, EfficientNetModel, config, EfficientNetImageProcessor(size={"height": 64, "width": 64}))


MAKERS: dict[str, Callable[[Path], Path]] = {
    "clip": make_clip,
    "siglip": make_siglip,
    "siglip2": make_siglip2,
    "dinov2": make_dinov2,
    "dinov3": make_dinov3,
    "resnet": make_resnet,
    "efficientnet": make_efficientnet,
}

_VIT = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
_LAYERS = {**_VIT, "intermediate_size": 64}


def _save(folder: Path, model_class: Any, config: Any, processor: Any) -> Path:
    import torch

    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(7)
        model = model_class(config)
        for parameter in model.parameters():
            # with default initialisation, different pictures get nearly equal outputs
            if parameter.ndim == 4:
                torch.nn.init.kaiming_normal_(parameter)
            elif parameter.ndim > 1:
                parameter.mul_(4)
        normed = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        if normed:  # batch statistics that fit the weights, as after training
            for module in normed:
                module.momentum = 1.0
            model.train()(torch.randn(8, 3, 64, 64))
            model.eval()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _save_word_tokenizer(folder: Path, *, length: int) -> int:
    """Save a whole-word tokenizer; return the size of its vocabulary."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=length,
        model_input_names=["input_ids"],  # as in SigLIP, which was trained without an attention mask
    ).save_pretrained(folder)
    return len(vocabulary)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
    MAKERS[sys.argv[1]](Path(sys.argv[2]))
