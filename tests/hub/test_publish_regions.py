"""Regions are published and opened with the rest of a collection."""

from __future__ import annotations

from pathlib import Path

from hub_server import HubServer

import artsim
from artsim.encoders import load_encoder

REPO = "artist/stripes"
INDEX = "index/tiny-clip.regions.faiss"


def test_a_published_collection_supports_detail_search_and_builds_a_damaged_region_index_again(
    hub: HubServer, pictures: Path, hub_clip: str, tmp_path: Path
) -> None:
    out = tmp_path / "stripes"
    source, encoder = artsim.open_source(f"folder:{pictures}"), load_encoder(hub_clip)
    here = artsim.build_collection(source, encoder, out, license="cc0-1.0", regions=True)
    artsim.publish(out, REPO)
    assert {INDEX, "index/tiny-clip.regions.safetensors"} <= set(hub.files(REPO, "dataset"))
    there = artsim.open_collection(REPO)
    hub.add_commit(REPO, "dataset", {INDEX: b"damaged"})
    rebuilt = artsim.open_collection(REPO)

    picture = here.image("3.jpg").crop((0, 0, 48, 32))
    found = [
        [(match.id, match.region) for match in collection.search(image=picture, detail=True)]
        for collection in (here, there, rebuilt)
    ]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 6
