"""What the owner's page works with: who may, who looks after the collection, and how another one is opened."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field

from artsim.curation.session import Registrar
from artsim.ui.auth import Owner


@dataclass(frozen=True)
class Studio:
    owner: Owner
    registrar: Registrar
    reopen: threading.Event = field(default_factory=threading.Event)
    """Set when the app is to open what the shelf says now."""
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    """Tells this opening from the next: how a page sees that another collection is open."""
