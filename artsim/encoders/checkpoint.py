"""A checkpoint on the Hub or in a folder: model, picture processor and tokenizer, loaded or refused in one sentence."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from artsim.encoders.protocol import reason_of
from artsim.encoders.quiet_transformers import quiet_transformers
from artsim.errors import EncoderError

log = logging.getLogger(__name__)

_DINOV3 = "DINOv3ViTImageProcessor"
_DINOV3_DEFAULTS = {
    "do_resize": True,
    "size": {"height": 224, "width": 224},
    "resample": 2,  # bilinear
    "do_center_crop": False,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


class Checkpoint(NamedTuple):
    """The parts of a checkpoint in PyTorch; no tokenizer, if the model embeds no texts."""

    model: Any
    processor: Any
    tokenizer: Any


def load_checkpoint(name: str, revision: str | None) -> Checkpoint:
    """All parts of a checkpoint. Raises `EncoderError`."""
    model = load_model(name, revision)
    embeds_text = hasattr(model, "get_text_features")
    return Checkpoint(model, load_processor(name, revision), load_tokenizer(name, revision) if embeds_text else None)


def load_model(name: str, revision: str | None) -> Any:
    """The model, with all its weights, as float32, in which every processor computes.

    Raises `EncoderError`, also for weights in another format than that of transformers.
    """
    with _loading(name):
        from transformers import AutoModel, PreTrainedConfig

        config, _ = PreTrainedConfig.get_config_dict(name, revision=revision)
        is_timms = config.get("model_type") in (None, "timm_wrapper")  # the latter is added by transformers
        if is_timms and ("pretrained_cfg" in config or "architecture" in config):
            raise EncoderError(
                "The encoder {name} cannot be loaded: it is in the format of timm, and artsim reads that of transformers. Most"
                " models have a repository on the Hub in that format, too: give its id.",
                name=name,
            )
        model, found = AutoModel.from_pretrained(name, revision=revision, output_loading_info=True, dtype="float32")
        learned = {key for key, _ in model.named_parameters()}
        missing = sorted(learned & set(found["missing_keys"]))
        if missing:
            raise EncoderError(
                "The encoder {name} cannot be loaded: {count} of the {total} weights of its model are not in its files, such as"
                " {example}. It is of another model than its config.json says, in another format such as timm's, or was made"
                " for another task.",
                name=name,
                count=len(missing),
                total=len(learned),
                example=missing[0],
            )
        return model.eval()


def load_processor(name: str, revision: str | None) -> Any:
    """What prepares pictures for the model, on Pillow. Raises `EncoderError`."""
    with _loading(name):
        from transformers import AutoImageProcessor, ViTImageProcessorPil

        numbers, _ = ViTImageProcessorPil.get_image_processor_dict(name, revision=revision)
        if str(numbers.get("image_processor_type")).removesuffix("Fast") == _DINOV3:
            # transformers has it for torchvision only; but for the order of scaling and resizing, it is ViT's
            given = {key: value for key, value in numbers.items() if value is not None}
            used = {**_DINOV3_DEFAULTS, **{key: given[key] for key in (*_DINOV3_DEFAULTS, "crop_size") if key in given}}
            return ViTImageProcessorPil(**used)
        try:
            return AutoImageProcessor.from_pretrained(name, revision=revision, backend="pil")
        except (ImportError, ValueError) as error:
            if "torchvision" not in str(error):
                raise
            raise EncoderError(
                "The encoder {name} prepares pictures with torchvision, which is not installed. Run: pip install torchvision",
                name=name,
            ) from error


def load_tokenizer(name: str, revision: str | None) -> Any:
    """Raises `EncoderError`."""
    try:
        with quiet_transformers():
            from transformers import AutoTokenizer

            return AutoTokenizer.from_pretrained(name, revision=revision)
    except Exception as error:  # whatever the libraries raise for damaged files and missing packages
        log.debug("The tokenizer of %s cannot be loaded.", name, exc_info=error)
        raise EncoderError(
            "The encoder {name} embeds texts, but its tokenizer cannot be loaded ({reason}).",
            name=name,
            reason=reason_of(error),
        ) from error


@contextmanager
def _loading(name: str) -> Iterator[None]:
    """Load quietly; whatever the libraries raise for missing, damaged and unknown files becomes an `EncoderError`."""
    try:
        with quiet_transformers():
            yield
    except EncoderError:
        raise
    except Exception as error:
        log.debug("The encoder %s cannot be loaded.", name, exc_info=error)
        raise EncoderError(
            "The encoder {name} cannot be loaded: it is neither a folder with a model nor a model on the Hub "
            "({reason}). Give embedded, a Hub model id such as openai/clip-vit-base-patch16, or such a folder.",
            name=name,
            reason=reason_of(error),
        ) from error


def commit_of(name: str, revision: str | None) -> str | None:
    """The Hub commit of `revision` (default: the newest), now or when it was last fetched; None for a folder."""
    if Path(name).is_dir():
        return None
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError, RevisionResolutionError

    try:
        return HfApi().resolve_revision(name, revision=revision).resolved
    except (HTTPError, OSError, ValueError, RevisionResolutionError):
        return revision  # loading the model raises an error with a better message


def weights_hash(name: str) -> str | None:
    """The sha256 of the weights in a folder; None for a model on the Hub."""
    folder = Path(name)
    if not folder.is_dir():
        return None
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")]):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{digest.hexdigest()[:16]}"
