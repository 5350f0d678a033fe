"""`/healthz` and `/readyz`: liveness and readiness, for supervisors and load balancers.

`/healthz`: 200 while the process answers, 503 if its encoder cannot be loaded.
`/readyz`: 200 once the encoder is loaded, so that searches by picture are answered at once; 503 before, and while no seat
is free.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from artsim.ui.auth import is_at_this_machine
from artsim.ui.context import Context
from artsim.version import VERSION


def health_routes(context: Context) -> list[Route]:
    async def healthz(request: Request) -> JSONResponse:
        return _response(context, request, ok=context.readiness.state != "failed")

    async def readyz(request: Request) -> JSONResponse:
        if context.readiness.state == "ready" and context.seats.are_taken:
            return _response(context, request, ok=False, status="busy")
        return _response(context, request, ok=context.readiness.state == "ready")

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _response(context: Context, request: Request, *, ok: bool, status: str = "") -> JSONResponse:
    readiness = context.readiness
    body = {
        "status": status or ("ok" if ok else readiness.state),
        "works": len(context.collection),
        "encoder": readiness.state,
    }
    if readiness.reason and is_at_this_machine(request):  # it may name folders and servers
        body["reason"] = readiness.reason
    body["version"] = VERSION
    return JSONResponse(body, status_code=200 if ok else 503, headers={"Cache-Control": "no-store"})
