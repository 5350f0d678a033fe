"""An HTTP request to the loopback Hub and its response as plain data, which the route functions take and return."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import unquote

from hub_server.store import Caller, HubError, HubStore, Repo

# `/api/datasets/namespace/name`, and `/datasets/namespace/name` (models have no prefix there). A bare `name`, such as
# `gpt2`, matches too, so that it is answered with "not found".
API_REPO = r"/api/(?P<type>models|datasets|spaces)/(?P<repo>[^/]+(?:/[^/]+)?)"
SITE_REPO = r"/(?:(?P<type>datasets|spaces)/)?(?P<repo>[^/]+(?:/[^/]+)?)"


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    """Seconds before each byte of the body."""

    @classmethod
    def of(cls, value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> "Answer":
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    @classmethod
    def refusal(cls, error: HubError) -> "Answer":
        headers = {"X-Error-Message": error.message.replace("\n", " ").encode("ascii", "replace").decode()}
        if error.code:
            headers["X-Error-Code"] = error.code
        return cls.of({"error": error.message}, status=error.status, headers={**headers, **error.headers})


@dataclass(frozen=True)
class Call:
    """A request that matched a route; `at`: the named parts of its path, unquoted."""

    store: HubStore
    method: str
    at: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Message
    body: bytes
    caller: Caller

    @property
    def repo_type(self) -> str:
        return (self.at.get("type") or "models").removesuffix("s")

    def json(self) -> dict[str, Any]:
        return json.loads(self.body or b"{}")

    def flag(self, name: str) -> bool:
        """Whether a query parameter is switched on (`?recursive=true`)."""
        return self.query.get(name, [""])[0].lower() in ("1", "true", "on")

    def read_repo(self) -> Repo:
        return self.store.read(self.repo_type, self.at["repo"], self.caller)

    def write_repo(self) -> Repo:
        return self.store.write(self.repo_type, self.at["repo"], self.caller)


@dataclass(frozen=True)
class Route:
    """A name (for faults and records), a method, a path, and the function that answers."""

    name: str
    method: str
    path: str
    answer: Callable[[Call], Answer]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The named parts of the path if this route matches, else None. GET routes serve HEAD too."""
        if self.method != ("GET" if method == "HEAD" else method):
            return None
        found = re.fullmatch(self.path, path)
        return {k: unquote(v) for k, v in found.groupdict().items() if v is not None} if found else None
