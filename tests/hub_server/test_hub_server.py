"""What the loopback Hub refuses. That the real clients work with it, the tests of tests/hub show."""

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError

from hub_server import HubServer
from hub_server.faults import Fault

WORKS = "artist/works"


def test_what_it_cannot_do_and_bad_cards_are_refused(hub: HubServer) -> None:
    hub.add_repo(WORKS, "dataset")
    card = [CommitOperationAdd("README.md", b"---\nlicense: CC0\n---\n")]
    with pytest.raises(ValueError, match="license"):
        HfApi().create_commit(WORKS, card, commit_message="Add", repo_type="dataset")
    with pytest.raises(HfHubHTTPError, match="does not serve POST /api/datasets/artist/works/discussions"):
        HfApi().create_discussion(WORKS, title="Hello", repo_type="dataset")
    with pytest.raises(ValueError, match="No route is called 'comit'"):
        hub.inject(Fault("comit"))
