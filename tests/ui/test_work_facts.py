"""What the detail says of a work, and where each fact leads."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from served import settings_of

from artsim.ui.context import Context
from artsim.ui.iiif import iiif_info
from artsim.ui.work_facts import facts_reader

ADDRESS = "https://api.nga.gov/iiif/1f5c/full/!640,640/0/default.jpg"


def test_facts_lead_to_the_works_that_share_them(context: Context) -> None:
    read = facts_reader(context)
    work = next(work for work in context.collection.state.table.to_pylist() if work["year"] and work["tags"])
    facts = read(work)
    artist, date = facts.by
    assert (artist.text, date.text) == (work["artist"], str(work["year"]))
    year = parse_qs(urlsplit(date.address or "").query)["where.year"]
    assert year == [f"{work['year'] - 10}..{work['year'] + 10}"]
    offered = {facet.column: dict(facet.values) for facet in context.facets}
    tags = dict(facts.rows)["Tags"]
    assert [tag.text for tag in tags] == work["tags"]
    for tag in tags:
        name, wanted = ("where.tags", tag.text) if tag.text in offered["tags"] else ("text", tag.text)
        assert parse_qs(urlsplit(tag.address or "").query)[name] == [wanted]
    assert facts.license == "" and facts.source is None


def test_a_work_states_its_own_licence_else_that_of_its_collection(context: Context) -> None:
    context.collection.manifest, before = (
        replace(context.collection.manifest, license="cc0-1.0"),
        context.collection.manifest,
    )
    try:
        read = facts_reader(context)
        assert read({"id": "a"}).license == "cc0-1.0"
        assert read({"id": "a", "license": "CC-BY-4.0"}).license == "CC-BY-4.0"
    finally:
        context.collection.manifest = before


@pytest.mark.parametrize(
    ("address", "info"),
    [
        (ADDRESS, "https://api.nga.gov/iiif/1f5c/info.json"),
        ("https://api.nga.gov/pictures/1f5c.jpg", None),
        ("https://elsewhere.example/iiif/1f5c/full/!640,640/0/default.jpg", None),
        ("http://api.nga.gov/iiif/1f5c/full/max/0/default.jpg", None),
        (None, None),
    ],
)
def test_only_image_servers_that_the_owner_allows_are_asked(address: str | None, info: str | None) -> None:
    hosts = settings_of(ARTSIM_IIIF_HOSTS="api.nga.gov, images.museum.example").iiif_hosts
    assert iiif_info({"image_url": address}, hosts) == info
    assert iiif_info({"image_url": address}, settings_of().iiif_hosts) is None
