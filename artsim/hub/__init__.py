"""The Hugging Face Hub: publish a collection, open a published one, create a Space that serves it."""

from artsim.hub.access import Destination, check_license
from artsim.hub.commit import Pushed, SentProgress
from artsim.hub.fetch import open_from_hub
from artsim.hub.hosting import create_space
from artsim.hub.publish import check_publication, publish

__all__ = [
    "Destination",
    "Pushed",
    "SentProgress",
    "check_license",
    "check_publication",
    "create_space",
    "open_from_hub",
    "publish",
]
