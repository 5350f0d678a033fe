"""Addresses of pictures at a size, by the IIIF Image API (https://iiif.io/api/image/, versions 2 and 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

SIDE = 1024
"""Longer side in pixels at which pictures are fetched: enough for every encoder, for recognition and to look at."""


@dataclass(frozen=True)
class IiifImage:
    """A picture that a manifest names."""

    file: str
    """Its address as the manifest has it; often at full size."""
    service: str = ""
    """Base address of its image service; empty if it has none."""
    level: int | None = None
    """What the service can do: any size (2), any width (1), the sizes that it lists (0); None if it does not say."""
    version: int = 2
    width: int = 0
    height: int = 0
    """Of the picture in pixels, 0 if unknown."""
    shape: float = 0.0
    """Width by height, 0 if unknown; other than the two, it may be that of the canvas."""

    @property
    def lists_sizes(self) -> bool:
        """Whether only the service's `info.json` tells which sizes there are."""
        return bool(self.service) and (self.level == 0 or (self.level == 1 and not self.shape))

    def address(self) -> str:
        """The picture with `SIDE` pixels at most on its longer side, as far as the service can do that."""
        if not self.service or self.lists_sizes:
            return self.file or self._request("max" if self.version == 3 else "full")
        side = min(SIDE, max(self.width, self.height) or SIDE)  # a service of version 2 enlarges small pictures
        if self.level == 1:
            return self._request(f"{max(1, round(side * min(self.shape, 1)))},")
        return self._request(f"!{side},{side}")

    def listed_address(self, info: Any) -> str:
        """The smallest of the sizes that `info.json` lists that has `SIDE` pixels, or the largest; else the file itself."""
        sizes = info.get("sizes") if isinstance(info, dict) else None
        pairs = [
            (size["width"], size["height"])
            for size in (sizes if isinstance(sizes, list) else ())
            if isinstance(size, dict) and isinstance(size.get("width"), int) and isinstance(size.get("height"), int)
        ]
        if not pairs:
            return self.file or self.address()
        large = [pair for pair in pairs if max(pair) >= SIDE]
        width, height = min(large) if large else max(pairs)
        return self._request(f"{width},{height}" if self.version == 3 else f"{width},")

    def _request(self, size: str) -> str:
        return f"{self.service}/full/{size}/0/default.jpg"


def image_of(resource: dict[str, Any], canvas: dict[str, Any]) -> IiifImage | None:
    """The picture of a resource (version 2) or body (version 3); None if it has no address."""
    file = _address(resource)
    service = next((item for item in _services(resource) if _is_image_service(item)), {})
    base = _address(service).rstrip("/")
    if not (file or base):
        return None
    said = f"{service.get('profile')} {service.get('type') or service.get('@type')} {service.get('@context')}"
    level = re.search(r"level_?([0-2])", said)
    is_third = "ImageService3" in said or "api/image/3" in said
    width, height = _size(resource)
    shape_width, shape_height = (width, height) if width and height else _size(canvas)
    shape = shape_width / shape_height if shape_height else 0.0
    return IiifImage(file, base, int(level[1]) if level else None, 3 if is_third else 2, width, height, shape)


def _services(resource: dict[str, Any]) -> list[dict[str, Any]]:
    services = resource.get("service")
    return [item for item in (services if isinstance(services, list) else [services]) if isinstance(item, dict)]


def _is_image_service(service: dict[str, Any]) -> bool:
    words = " ".join(str(service.get(key)) for key in ("@context", "profile", "type", "@type"))
    return "ImageService" in words or "/image" in words or re.search(r"\blevel[0-2]\b", words) is not None


def _address(item: dict[str, Any]) -> str:
    address = item.get("id") or item.get("@id")
    return address if isinstance(address, str) else ""


def _size(item: dict[str, Any]) -> tuple[int, int]:
    width, height = (value if isinstance(value, int) else 0 for value in (item.get("width"), item.get("height")))
    return (width, height) if 0 < width < 1_000_000 and 0 < height < 1_000_000 else (0, 0)
