"""Embeds the works that can be embedded: one that no encoder takes never ends a build."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from artsim.embedding.decoded_works import DecodedWork
from artsim.embedding.embedded_works import EmbeddedWorks
from artsim.errors import EncoderError

_ENCODERS_FAULT = 4  # works: if so many, and all of a batch, fail for the same reason, it is not theirs

log = logging.getLogger(__name__)

Embed = Callable[[Sequence[DecodedWork]], EmbeddedWorks]


def embed_usable(works: Sequence[DecodedWork], embed: Embed) -> tuple[list[EmbeddedWorks], dict[str, str]]:
    """What `embed` makes of the works, in one piece or in several, and the reasons of those it fails for, by id."""
    if not works:
        return [], {}
    try:
        return [embed(works)], {}
    except Exception as error:  # of any library below an encoder: memory, shapes, drivers
        log.debug("Works cannot be embedded together; they are tried one by one.", exc_info=error)
    parts, failed = [], {}
    for work in works:
        try:
            parts.append(embed([work]))
        except Exception as error:
            log.debug("A work cannot be embedded.", exc_info=error)
            failed[str(work.work["id"])] = " ".join(str(error).split())[:300] or type(error).__name__
    return parts, failed


def check_encoders(parts: Sequence[EmbeddedWorks], failed: Mapping[str, str]) -> None:
    """Raise `EncoderError` if a batch has no `parts`, and its works have all `failed` for the same reason."""
    reasons = set(failed.values())
    if len(failed) >= _ENCODERS_FAULT and not parts and len(reasons) == 1:
        raise EncoderError(
            f"The encoder fails for every picture of a batch ({reasons.pop()}). Run it again to go on from there."
        )
