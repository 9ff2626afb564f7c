"""The API in this process (quick), and the whole server in one of its own (real)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app import logs
from app.api import create_api
from app.metrics import Metrics
from app.readiness import Readiness
from app.server import guard
from app.settings import Settings
from app.wiring import build_lab
from backends.core.encoding import png
from backends.runtime.lab import Lab
from tests.app.serving import ServerProcess
from tests.app.tiny import TINY


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("api")
    return Settings(data_folder=folder, submits_per_second=1e6, uploads_per_minute=6e7, visitor_waiting=1000)


@pytest.fixture(scope="session")
def lab(settings: Settings) -> Iterator[Lab]:
    logs.configure("error")  # structlog's own default would spend seconds on drawing a traceback
    made = build_lab(settings, (TINY,))
    made.runtime.start()
    yield made
    made.runtime.close(0)
    made.registry.close()
    made.store.close()


@pytest.fixture(scope="session")
def visit(lab: Lab, settings: Settings) -> Callable[[], TestClient]:
    """Makes visitors: clients with a cookie jar each, of the API behind every guard."""
    metrics = Metrics(lab)
    root = FastAPI(openapi_url=None)
    root.mount("/api", create_api(lab, metrics, Readiness()))
    app = guard(root, settings, lab, metrics)
    return lambda: TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture
def client(visit: Callable[[], TestClient]) -> TestClient:
    return visit()


@pytest.fixture(scope="session")
def picture() -> bytes:
    import numpy as np

    return png(np.arange(64 * 48, dtype=np.uint32).reshape(48, 64).astype(np.uint8))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    running = ServerProcess(Path(tmp_path_factory.mktemp("server")))
    try:
        running.wait_until("/api/ready", 200)
        yield running
    finally:
        running.kill()
