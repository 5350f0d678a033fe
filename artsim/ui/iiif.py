"""Pictures at an image server of their museum: works whose `image_url` is one of the IIIF Image API can be zoomed there.

Only hosts that the owner allows (`ARTSIM_IIIF_HOSTS`) are asked, by the visitor's browser and only when it zooms.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from artsim.ui.labels import safe_link

_IMAGE = re.compile(r"(?P<base>https://.+)/[^/]+/[^/]+/[^/]+/(?:default|native)\.\w+")
"""`BASE/REGION/SIZE/ROTATION/QUALITY.FORMAT`: see https://iiif.io/api/image/3.0/#4-image-requests."""


def iiif_info(work: Mapping[str, Any], hosts: Collection[str]) -> str | None:
    """The address that describes a work's picture at its image server; None if there is none, or it is not allowed."""
    link = safe_link({"url": work.get("image_url")})
    request = _IMAGE.fullmatch(link[0]) if link else None
    if request is None or urlsplit(request["base"]).hostname not in hosts:
        return None
    return f"{request['base']}/info.json"
