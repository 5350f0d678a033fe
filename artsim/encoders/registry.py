"""`--encoder auto`: CLIP where it can be had within seconds, else the embedded encoder. Says which, and why."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from artsim.messages.message import Message

DEFAULT_ENCODER = "openai/clip-vit-base-patch16"
_SECONDS = 4.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EncoderChoice:
    name: str
    reason: str


def choose_encoder(name: str) -> EncoderChoice:
    """`name` itself unless it is "auto". Asks the Hub once, for at most `_SECONDS` seconds."""
    if name != "auto":
        return EncoderChoice(name, Message("as asked"))
    from huggingface_hub import try_to_load_from_cache

    cached = [
        isinstance(try_to_load_from_cache(DEFAULT_ENCODER, file), str)
        for file in ("config.json", "preprocessor_config.json", "tokenizer_config.json")
    ]
    weights = any(
        isinstance(try_to_load_from_cache(DEFAULT_ENCODER, file), str)
        for file in ("model.safetensors", "pytorch_model.bin")
    )
    if all(cached) and weights:
        return EncoderChoice(DEFAULT_ENCODER, Message("its files are in the local cache"))
    problem = _hub_problem()
    if problem is None:
        return EncoderChoice(DEFAULT_ENCODER, Message("the Hub answers"))
    reason = Message("{encoder} is not in the local cache and {problem}", encoder=DEFAULT_ENCODER, problem=problem)
    return EncoderChoice("embedded", reason)


def _hub_problem() -> Message | None:
    """None when the Hub would give CLIP's configuration within seconds, else the reason in words."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

    if constants.HF_HUB_OFFLINE:
        return Message("the Hub is switched off (HF_HUB_OFFLINE)")
    try:
        get_hf_file_metadata(hf_hub_url(DEFAULT_ENCODER, "config.json"), timeout=_SECONDS, retry_on_errors=False)
    except Exception as error:  # whatever keeps the Hub from answering leads to the same choice, and is told
        log.debug("The Hub does not answer.", exc_info=error)
        return Message("the Hub does not answer ({error})", error=type(error).__name__)
    return None
