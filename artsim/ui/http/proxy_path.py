"""Behind a proxy with a path of its own (`GRADIO_ROOT_PATH`): which route a request is for, if a route has the name of that path.

Some proxies remove their path before they pass a request on, others do not, and routing takes both: a path that starts with
the proxy's loses it. `/art/style.css` behind the path `/art` may therefore be the style sheet of a proxy that removes its
path, which routing would look for at `/style.css`.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send


class ProxyPath:
    """ASGI middleware: a request that is for one of `routes` only as it stands keeps its path, whatever it starts with.

    `names`: of pages that are not among the routes.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[Route], names: Iterable[str]) -> None:
        self._app, self._routes, self._names = app, tuple(routes), frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root, path = scope.get("root_path", ""), scope.get("path", "")
        if scope["type"] == "http" and root and self._keeps(path, root):
            raw = scope.get("raw_path")
            scope = {**scope, "path": root + path, "raw_path": None if raw is None else root.encode() + raw}
        await self._app(scope, receive, send)

    def _keeps(self, path: str, root: str) -> bool:
        if path == root:  # the page of this name; the first page is asked for with a slash, or as "/"
            return self._has(path)
        return path.startswith(f"{root}/") and self._has(path) and not self._has(path.removeprefix(root))

    def _has(self, path: str) -> bool:
        scope = {"type": "http", "method": "GET", "path": path}
        return path[1:] in self._names or any(route.matches(scope)[0] != Match.NONE for route in self._routes)
