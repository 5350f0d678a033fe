"""Encoder registry: loads encoders by name, and resolves `--encoder auto`.

A new family is one file, and one line in `_FAMILIES`; other packages call `register_encoder`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PIL import Image

from artsim.encoders.color import embed_colors
from artsim.encoders.embedded import EmbeddedEncoder
from artsim.encoders.finetuned import FinetunedEncoder, is_finetuned
from artsim.encoders.load_options import check_load_options
from artsim.encoders.precision import in_precision
from artsim.encoders.protocol import Blocks, Encoder, Precision
from artsim.encoders.recognition_vectors import ENCODER as RECOGNITION_ENCODER
from artsim.encoders.reproductions import LayoutEncoder
from artsim.encoders.transformers import TransformersEncoder
from artsim.encoders.zero_gpu import attach_gpu
from artsim.messages.message import Message

DEFAULT_ENCODER = "openai/clip-vit-base-patch16"
_HUB_TIMEOUT_S = 4.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EncoderFamily:
    """One kind of encoder: which names it recognizes, and how it is loaded."""

    name: str
    recognizes: Callable[[str], bool]
    load: Callable[[str, str | None, str | None, int | None], Encoder]
    """(name, revision, device, batch size; None for the default of each) -> encoder. Raises `EncoderError` with the reason."""


_FAMILIES: list[EncoderFamily] = [
    EncoderFamily(
        "embedded",
        lambda name: name == "embedded",
        lambda _, __, device, batch_size: EmbeddedEncoder(device=device, batch_size=batch_size),
    ),
    EncoderFamily(
        "finetuned",
        is_finetuned,
        lambda name, _, device, batch_size: FinetunedEncoder(name, device=device, batch_size=batch_size),
    ),
    EncoderFamily(
        "transformers",
        lambda name: True,
        lambda name, revision, device, batch_size: TransformersEncoder(
            name, revision=revision, device=device, batch_size=batch_size
        ),
    ),
]
"""The first family that recognizes a name loads it."""
_OWN = tuple(_FAMILIES)


def register_encoder(family: EncoderFamily) -> None:
    """Register a family of encoders; it takes precedence over those registered before."""
    _FAMILIES.insert(0, family)


def is_own_encoder(name: str) -> bool:
    """Whether a family of artsim's own loads the encoder `name`: then another process loads the same one."""
    return _family(name) in _OWN


def _family(name: str) -> EncoderFamily:
    return next(family for family in _FAMILIES if family.recognizes(name))


def load_encoder(
    name: str,
    *,
    revision: str | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    precision: Precision = "float32",
) -> Encoder:
    """Load the encoder `name`: "embedded", "auto", a Hub model id, a folder in that layout, or a fine-tuned one.

    `device`: a device of PyTorch, such as "cuda:1" (default: the fastest); `batch_size`: pictures that its model takes at
    once, at most (default: by device); `precision`: the number format that it computes in, if it has several; the embedded
    encoder has float32 alone. Raises `EncoderError` with the reason when it cannot be loaded. Takes seconds if torch has to
    be imported.
    """
    check_load_options(device=device, batch_size=batch_size)
    name = choose_encoder(name).name
    return attach_gpu(in_precision(_family(name).load(name, revision, device, batch_size), precision))


def load_recognition_encoder(loaded: Iterable[Encoder] = ()) -> LayoutEncoder:
    """The encoder that recognition uses in every collection: one of those that are `loaded`, or a new one."""
    for encoder in (*loaded, None):
        encoder = encoder or load_encoder(RECOGNITION_ENCODER)
        if encoder.id == RECOGNITION_ENCODER and isinstance(encoder, LayoutEncoder):
            return encoder
    raise AssertionError("The embedded encoder embeds layouts.")


def embed(encoder: Encoder, images: Sequence[Image.Image]) -> Blocks:
    """All aspects of RGB pictures as raw unit rows: the encoder's own, and `color`, which all encoders share."""
    return {**encoder.embed_images(images), "color": embed_colors(images)}


@dataclass(frozen=True)
class EncoderChoice:
    """The name of an encoder to load, and why it was chosen."""

    name: str
    reason: str


def choose_encoder(name: str) -> EncoderChoice:
    """Resolve "auto"; other names are kept. Queries the Hub once, for at most `_HUB_TIMEOUT_S` seconds."""
    if name != "auto":
        return EncoderChoice(name, Message("as requested"))
    from huggingface_hub import try_to_load_from_cache

    def is_cached(file: str) -> bool:
        return isinstance(try_to_load_from_cache(DEFAULT_ENCODER, file), str)

    configured = all(map(is_cached, ("config.json", "preprocessor_config.json", "tokenizer_config.json")))
    if configured and any(map(is_cached, ("model.safetensors", "pytorch_model.bin"))):
        return EncoderChoice(DEFAULT_ENCODER, Message("its files are in the local cache"))
    problem = _hub_problem()
    if problem is None:
        return EncoderChoice(DEFAULT_ENCODER, Message("the Hub answers"))
    reason = Message("{encoder} is not in the local cache and {problem}", encoder=DEFAULT_ENCODER, problem=problem)
    return EncoderChoice("embedded", reason)


def _hub_problem() -> Message | None:
    """Why the Hub does not deliver CLIP's configuration within seconds; None if it does."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

    if constants.HF_HUB_OFFLINE:
        return Message("the Hub is switched off (HF_HUB_OFFLINE)")
    try:
        get_hf_file_metadata(hf_hub_url(DEFAULT_ENCODER, "config.json"), timeout=_HUB_TIMEOUT_S, retry_on_errors=False)
    except Exception as error:  # any failure leads to the same choice
        log.debug("The Hub does not answer.", exc_info=error)
        return Message("the Hub does not answer")
    return None
