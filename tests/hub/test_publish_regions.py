"""Regions are published and opened with the rest of a collection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub_server import HubServer

import artsim
from artsim.encoders import load_encoder
from artsim.encoders.region_vectors import REGIONS

REPO = "artist/stripes"


def test_a_published_collection_supports_detail_search(
    hub: HubServer, pictures: Path, hub_clip: str, tmp_path: Path
) -> None:
    out, encoder = tmp_path / "stripes", load_encoder(hub_clip)
    here = artsim.build_collection(
        artsim.open_source(f"folder:{pictures}"), encoder, out, license="cc0-1.0", regions=True
    )
    artsim.publish(out, REPO)
    assert {"index/tiny-clip.regions.faiss", "index/tiny-clip.regions.safetensors"} <= set(hub.files(REPO, "dataset"))
    there = artsim.open_collection(REPO)
    picture = here.image("3.jpg").crop((0, 0, 48, 32))
    found = [[(m.id, m.region) for m in each.search(image=picture, detail=True)] for each in (here, there)]
    assert found[0] == found[1]
    assert len(found[0]) == len(there) == 6


def test_a_region_index_missing_on_the_hub_is_built_again(
    hub: HubServer, pictures: Path, clip: Any, tmp_path: Path
) -> None:
    out = tmp_path / "stripes"
    artsim.build_collection(artsim.open_source(f"folder:{pictures}"), clip, out, license="cc0-1.0", regions=True)
    artsim.publish(out, REPO)
    hub.add_commit(REPO, "dataset", {"index/clip.regions.faiss": b"damaged"})
    regions = artsim.open_collection(REPO).state.spaces[0].regions
    assert regions is not None
    assert len(regions.index) == 6 * len(REGIONS)
