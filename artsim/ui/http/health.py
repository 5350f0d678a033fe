"""`/healthz` and `/readyz`: for whatever watches the process and sends visitors to it.

`/healthz` says whether the process should go on: 200 while it answers, 503 when its encoder can never be loaded.
`/readyz` says whether searches by picture would be answered at once: 200 only when the encoder is loaded.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from artsim.ui.context import Context
from artsim.version import VERSION


def health_routes(context: Context) -> list[Route]:
    async def healthz(request: Request) -> JSONResponse:
        return _answer(context, ok=context.readiness.state != "failed")

    async def readyz(request: Request) -> JSONResponse:
        return _answer(context, ok=context.readiness.state == "ready")

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _answer(context: Context, *, ok: bool) -> JSONResponse:
    ready = context.readiness
    said = {"status": "ok" if ok else ready.state, "works": len(context.collection), "encoder": ready.state}
    if ready.reason:
        said["reason"] = ready.reason
    said["version"] = VERSION
    return JSONResponse(said, status_code=200 if ok else 503, headers={"Cache-Control": "no-store"})
