"""A session as a file, over HTTP: downloaded, taken back, and refused."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.safety.bodies import is_archive, is_upload
from app.settings import Settings
from backends.core.digest import canonical_json
from backends.runtime.lab import Lab

Visit = Callable[[], TestClient]


def saved(client: TestClient, picture: bytes, title: str = "Röntgen & more") -> Any:
    """A session of one really computed run."""
    where = {"action": "tiny/brighten", "parameter": "photo"}
    digest = client.post("/api/inputs", params=where, content=picture).json()["digest"]
    asked = client.post("/api/actions/tiny/brighten?wait=20", json={"parameters": {"photo": digest}})
    session = client.post("/api/sessions", json={"title": title, "notes": "Some **notes**."}).json()
    return client.post(f"/api/sessions/{session['id']}/runs", json={"run_id": asked.json()["id"]}).json()


@pytest.fixture(scope="module")
def archive(visit: Visit, picture: bytes) -> bytes:
    client = visit()
    return client.get(f"/api/sessions/{saved(client, picture)['id']}/archive.zip").content


def test_a_session_is_downloaded_under_its_title(visit: Visit, picture: bytes) -> None:
    client = visit()
    answer = client.get(f"/api/sessions/{saved(client, picture)['id']}/archive.zip")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-length"] == str(len(answer.content))
    told = answer.headers["content-disposition"]
    assert told == "attachment; filename=\"session.zip\"; filename*=utf-8''R%C3%B6ntgen-more.vitrine.zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert file.testzip() is None


def test_somebody_else_takes_it_in_and_sees_the_same(visit: Visit, picture: bytes) -> None:
    client, other = visit(), visit()
    session = saved(client, picture)
    data = client.get(f"/api/sessions/{session['link']}/archive.zip").content
    answer = other.post("/api/sessions/archive", content=data, headers={"Content-Type": "application/zip"})
    assert answer.status_code == 201, answer.text
    came = answer.json()
    assert came["mine"] is True
    assert came["id"] not in ("", session["id"])
    assert (came["title"], came["notes"]) == (session["title"], session["notes"])
    output, before = came["runs"][0]["outputs"][0], session["runs"][0]["outputs"][0]
    assert output["digest"] == before["digest"]
    assert other.get(output["url"]).content == client.get(before["url"]).content
    assert came["runs"][0]["provenance"]["imported"] is True
    assert client.get(f"/api/sessions/{came['id']}").status_code == 404


def test_an_address_that_opens_nothing_gives_no_file(visit: Visit, picture: bytes) -> None:
    client, other = visit(), visit()
    session = saved(client, picture)
    assert other.get(f"/api/sessions/{session['id']}/archive.zip").status_code == 404
    assert other.get("/api/sessions/nothing/archive.zip").status_code == 404
    link = client.post(f"/api/sessions/{session['id']}/links", json={}).json()["id"]
    client.delete(f"/api/sessions/{session['id']}/links/{link}")
    answer = other.get(f"/api/sessions/{link}/archive.zip")
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "link_closed")


@pytest.mark.parametrize(
    ("bend", "code", "status"),
    [
        (lambda data: b"", "bad_archive", 422),
        (lambda data: b"hello", "bad_archive", 422),
        (lambda data: data[:-5], "bad_archive", 422),
        (lambda data: data.replace(b"Some **notes**", b"Fake **notes**"), "bad_archive", 422),
        (lambda data: _of_format_two(), "newer_schema", 409),
    ],
    ids=["nothing", "text", "cut", "changed", "newer"],
)
def test_a_refusal_is_told_like_every_other(
    client: TestClient, archive: bytes, bend: Callable[[bytes], bytes], code: str, status: int
) -> None:
    answer = client.post("/api/sessions/archive", content=bend(archive))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]
    assert answer.json()["error"]["hint"]
    assert client.get("/api/sessions").json() == []


def _of_format_two() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("manifest.json", canonical_json({"format": 2}))
    return buffer.getvalue()


def test_a_body_over_the_cap_is_refused_before_it_is_kept(client: TestClient, settings: Settings, lab: Lab) -> None:
    most = settings.limits.archive_bytes
    answer = client.post("/api/sessions/archive", content=b"", headers={"Content-Length": str(most + 1)})
    assert answer.status_code == 413
    assert lab.limits.archive_bytes == most
    assert most > settings.limits.upload_bytes


def test_archives_count_as_uploads_and_nothing_else_gets_their_cap() -> None:
    for path, expected in {
        "/api/sessions/archive": True,
        "/api/sessions/archive/": True,
        "/api/sessions/archive.zip": False,
        "/api/sessions": False,
        "/play/x/api/sessions/archive": False,
    }.items():
        scope = {"type": "http", "path": path}
        assert is_archive(scope) is expected
        assert not expected or is_upload(scope)


def test_both_addresses_are_in_the_reference(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert "application/zip" in paths["/sessions/archive"]["post"]["requestBody"]["content"]
    assert "application/zip" in paths["/sessions/{address}/archive.zip"]["get"]["responses"]["200"]["content"]
