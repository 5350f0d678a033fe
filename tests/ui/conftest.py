"""One app in this process, shared by the tests of its HTTP interface."""

from collections.abc import Iterator
from typing import Any

import pytest
from served import context_over, served


@pytest.fixture(scope="session")
def app_here(collection: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """Address and context of the app over `collection` (40 paintings, a tiny CLIP with its text encoder), with metrics."""
    with served(collection, tmp_path_factory.mktemp("served")) as (address, context):
        context.readiness.load()
        yield address, context


@pytest.fixture(scope="session")
def context(collection: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The context of an app over `collection` that is not served."""
    return context_over(collection, tmp_path_factory.mktemp("context"))


@pytest.fixture(scope="session")
def address(app_here: tuple[str, Any]) -> str:
    return app_here[0]
