"""Colour profiles: the colours of a picture with an embedded ICC profile are converted to sRGB (LittleCMS, through PIL)."""

from __future__ import annotations

import io
import logging
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

MAX_BYTES = 8_000_000  # the tables of large printer profiles have 3 to 4 MB
_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}  # PIL's mode -> the colour space in the header of a profile
_DEVICES = (b"scnr", b"mntr", b"prtr", b"spac")  # not: links between devices, abstract profiles, named colours
_UNSEEN = 2  # levels of 255: a profile that changes no colour by more is sRGB, and costs nothing
_KEPT = 8  # profiles in memory; the pictures of a source share a few

log = logging.getLogger(__name__)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture of mode L, RGB or CMYK, whose colours `profile` describes, as RGB. It may be changed in place.

    A profile that is damaged, too large, or of another kind than the picture is ignored and logged; without one, grey and
    RGB are sRGB already, and CMYK is converted by PIL's formula.
    """
    if profile and image.mode == "L" and profile[16:20] == _SPACES["RGB"]:
        image = image.convert("RGB")
    transform = _transform(profile, image.mode) if profile else None
    if transform is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    if image.mode == "RGB":
        transform.apply_in_place(image)
    else:
        image = transform.apply(image)
    image.info.pop("icc_profile", None)  # that of sRGB
    return image


@lru_cache(_KEPT)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From `profile` to sRGB; None if that changes nothing, or if the profile is of no use: then logged, once."""
    try:
        if len(profile) > MAX_BYTES:
            raise ValueError(f"it has {len(profile):,} bytes")
        if profile[12:16] not in _DEVICES or profile[16:20] != _SPACES[mode]:
            raise ValueError(f"it is not one of a picture in {mode}")
        transform = ImageCms.buildTransform(
            io.BytesIO(profile),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.PERCEPTUAL,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
        log.warning("A colour profile is ignored: %s.", error)
        return None
    return None if mode != "CMYK" and _is_srgb(transform, mode) else transform


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether it leaves all of some hundred colours, spread evenly over `mode`, as they are."""
    if mode == "L":
        sample = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    else:
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        sample = Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3))
    before, after = (np.asarray(image.convert("RGB"), int) for image in (sample, transform.apply(sample)))
    return bool(np.abs(before - after).max() <= _UNSEEN)
