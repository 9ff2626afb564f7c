"""Makes runs and sessions the quick way, through the HTTP API with the visitor's own cookie, for tests of the pages."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import BrowserContext

MODEL_MS = 90_000  # a first run loads its model, on a machine that others use as well


def give_picture(context: BrowserContext, seed: int = 0) -> str:
    """Upload a small grey picture for the medical action; its digest."""
    buffer = io.BytesIO()
    pixels = (np.random.default_rng(seed).random((28, 28)) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    answer = context.request.post(
        "/api/inputs?action=medical/classify&parameter=image",
        data=buffer.getvalue(),
        headers={"Content-Type": "application/octet-stream"},
    )
    return str(_told(answer)["digest"])


def run_medical(context: BrowserContext, **parameters: Any) -> dict[str, Any]:
    """A finished run of the medical action."""
    given = {"image": give_picture(context), **parameters}
    address = "/api/actions/medical/classify?wait=60"
    run = _told(context.request.post(address, data={"parameters": given}, timeout=MODEL_MS))
    assert run["state"] == "done", run
    return run


def save_session(context: BrowserContext, title: str, results: int = 1, **fields: Any) -> dict[str, Any]:
    """A session with so many results of different opacity. fields: notes, tags."""
    session = _told(context.request.post("/api/sessions", data={"title": title, **fields}))
    for number in range(results):
        run = run_medical(context, opacity=round(0.1 + 0.01 * number, 2))
        session = _told(context.request.post(f"/api/sessions/{session['id']}/runs", data={"run_id": run["id"]}))
    return session


def stored(context: BrowserContext, session: dict[str, Any]) -> dict[str, Any]:
    """The session as the server has it now."""
    return _told(context.request.get(f"/api/sessions/{session['id']}"))


def run_ids(session: dict[str, Any]) -> list[str]:
    """The ids of its runs in their order."""
    return [run["id"] for run in session["runs"]]


def outputs(context: BrowserContext, session: dict[str, Any]) -> list[dict[str, bytes]]:
    """Every result of every run, byte for byte."""
    return [
        {output["name"]: context.request.get(output["url"]).body() for output in run["outputs"]}
        for run in session["runs"]
    ]


def _told(answer: Any) -> dict[str, Any]:
    assert answer.ok, answer.text()
    told: dict[str, Any] = answer.json()
    return told
