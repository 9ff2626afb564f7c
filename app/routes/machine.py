"""What machines ask: /api/health, /api/ready, /api/metrics, and /api/models for the registry's status."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.health import Health
from app.metrics import Metrics
from app.readiness import Readiness
from backends.runtime.lab import Lab

_NO_STORE = {"Cache-Control": "no-store"}


def router(lab: Lab, health: Health, metrics: Metrics, readiness: Readiness) -> APIRouter:
    """The addresses for probes and for the models page of other programs."""
    routes = APIRouter(tags=["machine"])

    @routes.get("/health")
    async def get_health() -> JSONResponse:
        """A round trip through database, queue and registry: 200, or 503 with what is wrong; within 2 seconds."""
        found = await health.report()
        well = not any(found.values())
        checks = {name: wrong or "ok" for name, wrong in found.items()}
        body = {"status": "ok" if well else "failing", "checks": checks, "version": lab.version}
        return JSONResponse(body, 200 if well else 503, _NO_STORE)

    @routes.get("/ready")
    def get_ready() -> JSONResponse:
        """Whether the boot self-test has passed: 200, or 503 with why not."""
        return JSONResponse(readiness.as_dict(), 200 if readiness.ready else 503, _NO_STORE)

    @routes.get("/metrics")
    def get_metrics() -> Response:
        """Counters and gauges in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST, headers=_NO_STORE)

    @routes.get("/models")
    def get_models() -> dict[str, Any]:
        """The registry's status: memory, and each model's state, bytes, leases and counts."""
        return asdict(lab.registry.status())

    return routes
