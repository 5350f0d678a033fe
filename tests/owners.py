"""The owner's page without a server: its routes, and test clients with a chosen base URL."""

import re
from dataclasses import replace
from pathlib import Path

from served import context_over
from starlette.applications import Starlette
from starlette.testclient import TestClient

from artsim import open_collection
from artsim.curation.library import Library
from artsim.curation.session import EditSession
from artsim.ui.auth import PAGE_HEADER, Owner, OwnerTools
from artsim.ui.context import Context

HERE = "http://127.0.0.1:7860"


def context_of(folder: Path, cache: Path, owner: Owner | None) -> Context:
    collection = open_collection(folder)
    session = EditSession(collection, Library(cache), cache, requested=str(folder))
    tools = None if owner is None else OwnerTools(owner, session)
    return replace(context_over(collection, cache), owner_tools=tools)


def visitor(context: Context, address: str) -> TestClient:
    from artsim.ui.owner.page import routes  # Gradio reads its settings when it is imported

    return TestClient(Starlette(routes=routes(context)), base_url=address, follow_redirects=False)


def headers_of(client: TestClient) -> dict[str, str]:
    """Headers that the page sends with a change, in an old browser."""
    key = re.search(r'"pageKey": "([0-9a-f]{64})"', client.get("/collection").text)
    assert key is not None
    return {PAGE_HEADER: key[1], "Origin": str(client.base_url).rstrip("/")}
