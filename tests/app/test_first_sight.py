"""The page that the server sends where an address opens something stored: what is in it, for whom, how it is kept."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from app.api import create_api
from app.metrics import Metrics
from app.readiness import Readiness
from app.server import guard, shell_page
from app.settings import Settings
from app.shell_page import ShellPage, shell_html
from backends.runtime.lab import Lab

NOBODY = "AAAAAAAAAAAAAAAAAAAAAA"
EVIL = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def visit(lab: Lab, settings: Settings) -> Callable[[], TestClient]:
    """Visitors of the API and the shell, behind every guard; Streamlit's own answer is any page of HTML."""
    metrics = Metrics(lab)
    root = FastAPI(openapi_url=None)
    root.mount("/api", create_api(lab, metrics, Readiness()))
    root.mount("/", shell_page(HTMLResponse("Streamlit's own"), lab))
    app = guard(root, settings, lab, metrics)
    return lambda: TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture
def owner(visit: Callable[[], TestClient]) -> TestClient:
    return visit()


@pytest.fixture
def saved(owner: TestClient, picture: bytes) -> dict[str, Any]:
    """A session of one run, with a title that wants to be a script."""
    asked = {"action": "tiny/brighten", "parameter": "photo"}
    digest = owner.post("/api/inputs", params=asked, content=picture).json()["digest"]
    run = owner.post("/api/actions/tiny/brighten?wait=30", json={"parameters": {"photo": digest, "gain": 2}}).json()
    assert run["state"] == "done"
    made = owner.post("/api/sessions", json={"title": EVIL}).json()
    owner.post(f"/api/sessions/{made['id']}/runs", json={"run_id": run["id"]})
    return {**made, "run": run["id"]}


def is_plain(client: TestClient, address: str) -> bool:
    page = client.get(address)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    return page.text == shell_html()


def test_ones_own_run_is_in_the_page_and_in_nobody_else_s(visit, owner, saved) -> None:
    page = owner.get(f"/tiny?run={saved['run']}")
    assert f"/api/runs/{saved['run']}/outputs/picture" in page.text
    parts = ("<body>", '<main id="vt-first"', '<link rel="stylesheet"', '<div id="root">')
    places = [page.text.index(part) for part in parts]
    assert places == sorted(places), "nothing that is waited for comes before it"
    assert is_plain(visit(), f"/tiny?run={saved['run']}")


@pytest.mark.parametrize("page", ["tiny", "sessions"])
def test_a_link_shows_a_stranger_the_very_result_and_lets_them_fetch_its_picture(visit, owner, saved, page) -> None:
    stranger = visit()
    shown = stranger.get(f"/{page}?session={saved['link']}&run={saved['run']}")
    source = re.search(r'src="(/api/runs/[^"]+)"', shown.text)
    assert source
    stored = owner.get(f"/api/runs/{saved['run']}/outputs/picture").content
    assert stranger.get(source[1]).content == stored
    assert shown.headers["cache-control"] == "private, no-store"
    assert int(shown.headers["content-length"]) == len(shown.content)
    assert "<script>alert" not in shown.text
    assert "&lt;script&gt;alert" in shown.text


def test_a_link_that_is_closed_or_leads_nowhere_leaves_the_page_plain(visit, owner, saved) -> None:
    address = f"/api/sessions/{saved['id']}/links"
    brief = owner.post(address, json={"hours": 1e-6}).json()["id"]  # 4 ms
    assert owner.delete(f"{address}/{saved['link']}").status_code == 200
    stranger = visit()
    for link in (saved["link"], brief, saved["id"], NOBODY, "%00", "../../etc/passwd", "x" * 5000, ""):
        assert is_plain(stranger, f"/tiny?session={link}"), link
        assert is_plain(stranger, f"/sessions?session={link}"), link


def test_only_a_page_that_is_asked_for_has_it(owner, saved) -> None:
    query = f"session={saved['link']}&run={saved['run']}"
    for address in (f"/?{query}", f"/runs?{query}", f"/tiny/more?{query}", f"/tiny?{query}&embed=true"):
        assert is_plain(owner, address), address
    assert owner.get(f"/nowhere?{query}").status_code == 404
    head = owner.head(f"/tiny?{query}")
    assert (head.content, head.headers["cache-control"]) == (b"", "no-cache")
    assert int(head.headers["content-length"]) == len(shell_html().encode())


def test_the_policy_of_the_shell_names_every_inline_script_of_the_page(owner, saved) -> None:
    page = owner.get(f"/tiny?session={saved['link']}")
    allowed = next(
        part for part in page.headers["content-security-policy"].split("; ") if part.startswith("script-src")
    )
    scripts = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert any("vtFirst" in script for script in scripts)
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed
    assert "unsafe-inline" not in allowed
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r"<(script|style)>.*?</\1>", "", page.text, flags=re.DOTALL))


def test_a_bug_in_it_costs_the_wait_that_it_saves_and_not_the_page() -> None:
    def broken(page: str, query: object, visitor: str) -> str:
        raise KeyError(page)

    async def visited(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["visitor"] = "v" * 22
        await shell(scope, receive, send)

    shell = ShellPage(HTMLResponse("Streamlit's own"), "<body><div id=root></div></body>", frozenset({"tiny"}), broken)
    assert TestClient(visited).get("/tiny?run=x").text == "<body><div id=root></div></body>"
