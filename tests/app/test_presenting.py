"""The routes of the slides: who may open them, what a closed link answers, and the policy they come with."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api import create_api
from app.metrics import Metrics
from app.readiness import Readiness
from app.routes import presenting
from app.routes.presenting import file_stem, mount_presenting
from app.server import guard
from app.settings import Settings
from backends.runtime.lab import Lab

NOBODY = "AAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture(scope="module")
def visit(lab: Lab, settings: Settings) -> Callable[[], TestClient]:
    """Visitors of the API and the slides, behind every guard."""
    metrics = Metrics(lab)
    root = FastAPI(openapi_url=None)
    root.mount("/api", create_api(lab, metrics, Readiness()))
    mount_presenting(root, lab)
    app = guard(root, settings, lab, metrics)
    return lambda: TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture
def owner(visit: Callable[[], TestClient]) -> TestClient:
    return visit()


@pytest.fixture
def session(owner: TestClient, picture: bytes) -> dict:
    """A session of one run, with a note for everyone and one for the owner."""
    asked = {"action": "tiny/brighten", "parameter": "photo"}
    digest = owner.post("/api/inputs", params=asked, content=picture).json()["digest"]
    body = {"parameters": {"photo": digest, "gain": 2}}
    run = owner.post("/api/actions/tiny/brighten?wait=30", json=body).json()
    assert run["state"] == "done"
    made = owner.post("/api/sessions", json={"title": "Bright / things"}).json()
    owner.post(f"/api/sessions/{made['id']}/runs", json={"run_id": run["id"]})
    change = {"note": "For everyone", "speaker": "For me alone"}
    assert owner.patch(f"/api/sessions/{made['id']}/runs/{run['id']}", json=change).status_code == 200
    return {**made, "run": run["id"]}


def test_the_owner_opens_it_by_link_and_by_id_and_a_reader_by_link_only(visit, owner, session) -> None:
    for address in (session["link"], session["id"]):
        page = owner.get(f"/present/{address}")
        assert page.status_code == 200
        assert "For me alone" in page.text
    reader = visit()
    assert reader.get(f"/present/{session['id']}").status_code == 404
    page = reader.get(f"/present/{session['link']}")
    assert page.status_code == 200
    assert "For everyone" in page.text
    assert "For me alone" not in page.text
    assert page.headers["cache-control"] == "private, no-store"


def test_a_reader_may_fetch_the_pictures_that_the_slides_name(visit, session) -> None:
    reader = visit()
    page = reader.get(f"/present/{session['link']}").text
    source = re.search(r'<img src="(/api/runs/[^"]+)"', page)
    assert source
    assert reader.get(source[1]).headers["content-type"] == "image/png"


def test_the_file_is_a_download_with_a_plain_name_and_speaker_notes_only_when_the_owner_asks(visit, owner, session):
    address = f"/api/sessions/{session['link']}/slides.html"
    file = owner.get(address)
    assert file.headers["content-disposition"] == 'attachment; filename="bright-things.html"'
    assert "For me alone" not in file.text
    assert "For me alone" in owner.get(f"{address}?speaker=1").text
    reader = visit().get(f"{address}?speaker=1")
    assert reader.status_code == 200
    assert "For me alone" not in reader.text
    assert "For everyone" in reader.text


def test_the_file_holds_the_stored_picture(owner, session) -> None:
    stored = owner.get(f"/api/runs/{session['run']}/outputs/picture").content
    file = owner.get(f"/api/sessions/{session['id']}/slides.html").text
    assert f"data:image/png;base64,{base64.b64encode(stored).decode()}" in file


def test_a_live_slide_in_the_file_says_where_this_server_is(owner, session) -> None:
    owner.patch(f"/api/sessions/{session['id']}/runs/{session['run']}", json={"live": True})
    file = owner.get(f"/api/sessions/{session['link']}/slides.html").text
    assert f'href="http://localhost/tiny?session={session["link"]}' in file


def test_a_withdrawn_link_answers_410_with_its_sentence_on_the_page_and_in_the_api(visit, owner, session) -> None:
    assert owner.delete(f"/api/sessions/{session['id']}/links/{session['link']}").status_code == 200
    reader = visit()
    page = reader.get(f"/present/{session['link']}")
    assert page.status_code == 410
    told = reader.get(f"/api/sessions/{session['link']}/slides.html")
    assert told.status_code == 410
    assert told.json()["error"]["code"] == "link_closed"
    assert f"<h1>{told.json()['error']['message']}</h1>" in page.text.replace("&#x27;", "'")


@pytest.mark.parametrize("address", [NOBODY, "x", "%00", "../../etc/passwd", "a" * 5000, "%F0%9F%98%80"])
def test_an_address_of_nothing_answers_404_and_never_more(owner, address: str) -> None:
    page = owner.get(f"/present/{address}")
    assert page.status_code == 404
    assert owner.get(f"/api/sessions/{address}/slides.html").status_code == 404


def test_more_than_one_file_should_hold_is_refused_before_it_is_read(owner, session, monkeypatch) -> None:
    monkeypatch.setattr(presenting, "FILE_BYTES_MAX", 100)
    told = owner.get(f"/api/sessions/{session['link']}/slides.html")
    assert told.status_code == 413
    assert told.json()["error"]["code"] == "too_large"
    assert owner.get(f"/present/{session['link']}").status_code == 200


def test_the_policy_of_the_slides_names_their_one_inline_script_by_its_hash(owner, session) -> None:
    for address, status in ((session["link"], 200), (NOBODY, 404)):
        page = owner.get(f"/present/{address}")
        assert page.status_code == status
        policy = page.headers["content-security-policy"]
        scripts = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
        assert len(scripts) == 1
        digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
        allowed = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert allowed == f"script-src 'self' 'sha256-{digest}'"
        assert "frame-src 'self'" in policy
        assert "unsafe-eval" not in policy
        assert not re.search(r"\son\w+=", re.sub(r"<(script|style)>.*?</\1>", "", page.text, flags=re.DOTALL))


def test_plotly_comes_from_the_installed_package(owner) -> None:
    file = owner.get("/present/files/plotly.min.js")
    assert file.headers["content-type"].startswith("text/javascript")
    assert "plotly.js v" in file.text[:200]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Chest X-rays", "chest-x-rays"),
        ('a"\r\nb/../c', "a-b-c"),
        ("Größe", "groe"),
        ("日本", "slides"),
        ("x" * 99, "x" * 60),
    ],
)
def test_a_file_is_named_in_plain_letters(title: str, name: str) -> None:
    assert file_stem(title) == name
