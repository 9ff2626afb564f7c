"""The whole server in a process of its own: both halves on one port, guarded, tested at boot, drained at the end."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.selftest import Address, run_job
from tests.app.serving import ServerProcess

EVERYWHERE = {
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "permissions-policy",
    "x-request-id",
}
EVIL = "http://evil.example"


@pytest.fixture
def browser(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}, timeout=20) as client:
        client.get("/")
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/medical",
        "/no/such/page",
        "/_stcore/health",
        "/static/none.js",
        "/favicon.ico",
        "/assets/fonts/none",
        "/api/health",
        "/api/nothing",
        "/play/tiny/",
        "/play/tiny/config",
        "/play/tiny/theme.css",
        "/play/tiny/nothing",
    ],
)
def test_every_answer_of_both_halves_has_the_security_headers(server: ServerProcess, path: str) -> None:
    answer = httpx.get(server.url + path)
    assert set(answer.headers) >= EVERYWHERE, path
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors" in answer.headers["content-security-policy"]


def test_a_page_allows_its_own_inline_scripts_and_no_others(server: ServerProcess) -> None:
    first, second = (httpx.get(f"{server.url}/play/tiny/") for _ in range(2))
    nonce = re.search(r"'nonce-([^']+)'", first.headers["content-security-policy"])[1]
    assert nonce not in second.headers["content-security-policy"]
    scripts = re.findall(r"<script[^>]*>", first.text)
    assert scripts
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    shell = httpx.get(server.url).headers["content-security-policy"]
    script_src = next(part for part in shell.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in script_src


def test_unknown_addresses_are_404_and_stock_routes_are_closed(server: ServerProcess) -> None:
    for path in ("/api/x", "/api", "/_stcore/metrics", "/_stcore/agent/openapi.json", "/play/tiny/monitoring"):
        answer = httpx.get(server.url + path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json"), path
    for path in ("/play/tiny/gradio_api/deep_link?session_hash=x", "/play/tiny/gradio_api/file=http://127.0.0.1:1/"):
        assert httpx.get(server.url + path).status_code == 404, path
    assert httpx.get(f"{server.url}/healthz").status_code == 404


def test_a_real_job_goes_through_the_gradio_queue(server: ServerProcess) -> None:
    began = time.monotonic()
    run_job("tiny", Address("127.0.0.1", server.port, f"localhost:{server.port}"))
    assert time.monotonic() - began < 5


def test_ready_says_that_the_self_test_has_passed(server: ServerProcess) -> None:
    told = httpx.get(f"{server.url}/api/ready").json()
    assert (told["status"], told["problems"]) == ("ready", [])


def test_the_first_page_gives_a_visitor_that_both_halves_and_the_api_share(browser: httpx.Client) -> None:
    cookie = browser.cookies["vitrine_visitor"]
    assert "set-cookie" not in browser.get("/play/tiny/").headers
    session = browser.post("/api/sessions", json={"title": "Mine"}).json()
    with httpx.Client(base_url=browser.base_url, cookies={"vitrine_visitor": cookie}) as same:
        assert same.get(f"/api/sessions/{session['id']}").json()["title"] == "Mine"


@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost:1", "https://huggingface.co"])
def test_foreign_pages_cannot_upload_join_a_queue_or_read(server: ServerProcess, origin: str) -> None:
    headers = {"Origin": origin}
    api, play = f"{server.url}/api", f"{server.url}/play/tiny/gradio_api"
    answers = [
        httpx.post(f"{play}/upload", files={"files": ("x.png", b"x")}, headers=headers),
        httpx.post(f"{play}/queue/join", json={"data": [], "fn_index": 0, "session_hash": "x"}, headers=headers),
        httpx.post(f"{api}/inputs?action=tiny/brighten&parameter=photo", content=b"x", headers=headers),
        httpx.post(f"{api}/actions/tiny/slow", json={}, headers=headers),
        httpx.put(f"{server.url}/_stcore/upload_file/a/b", files={"file": ("x", b"x")}, headers=headers),
        httpx.get(f"{server.url}/play/tiny/config", headers=headers),
        httpx.options(f"{play}/upload", headers={**headers, "Access-Control-Request-Method": "POST"}),
    ]
    for answer in answers:
        assert answer.status_code == 403, answer.url
        assert answer.json()["error"]["code"] == "foreign_origin"
        assert "access-control-allow-origin" not in answer.headers


def test_a_websocket_needs_our_origin(server: ServerProcess) -> None:
    stream = server.url.replace("http", "ws") + "/_stcore/stream"
    with connect(stream, origin=server.url, subprotocols=["streamlit"]) as open_socket:
        assert open_socket.subprotocol == "streamlit"
    for origin in (EVIL, None):
        with pytest.raises(InvalidStatus) as refused:
            connect(stream, origin=origin, subprotocols=["streamlit"])
        assert refused.value.response.status_code == 403


def test_a_foreign_host_name_is_refused(server: ServerProcess) -> None:
    answer = httpx.get(server.url, headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_host")


def test_forwarded_headers_are_not_believed_without_a_trusted_proxy(server: ServerProcess) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    answer = httpx.get(f"{server.url}/play/tiny/", headers=forged)
    assert "evil.example" not in answer.text
    assert "Secure" not in answer.headers["set-cookie"]


def test_an_upload_over_the_cap_is_refused_before_it_is_stored(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, upload_megabytes="1")
    try:
        server.wait_until("/api/ready", 200)
        big = b"x" * (3 * 2**20)

        def chunks() -> Iterator[bytes]:
            head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
            yield head
            yield from (big[at : at + 65536] for at in range(0, len(big), 65536))
            yield b"\r\n--b--\r\n"

        play = f"{server.url}/play/tiny/gradio_api/upload"
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        for answer in (
            httpx.post(play, files={"files": ("a.png", big)}),
            httpx.post(play, content=chunks(), headers=form),
            httpx.post(f"{server.url}/api/inputs?action=tiny/brighten&parameter=photo", content=big),
            httpx.post(f"{server.url}/api/inputs?action=tiny/brighten&parameter=photo", content=chunks()),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
        kept = [file for file in (tmp_path / "tmp").rglob("*") if file.is_file() and file.stat().st_size]
        assert kept == []
    finally:
        server.kill()


def test_a_lifespan_that_is_not_entered_makes_the_self_test_fail(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "lifespan", "--strict")
    try:
        assert server.process.wait(120) == 1
        problems = [json.loads(line) for line in server.log.read_text().splitlines() if '"self_test"' in line]
        assert any("did not come back" in problem["problem"] for problem in problems)
    finally:
        server.kill()


def test_health_turns_red_within_ten_seconds_of_a_wedged_loader_while_pages_answer(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    _write_weights(weights)
    server = ServerProcess(tmp_path / "data", "loader", str(weights))
    try:
        server.wait_until("/api/health", 200)
        began = time.monotonic()
        answer = server.wait_until("/api/health", 503, seconds=14)
        assert time.monotonic() - began < 12  # 10 s from the wedge, which comes within 2 s
        assert "tiny/wedged" in answer.json()["checks"]["registry"]
        began = time.monotonic()
        assert httpx.get(server.url).status_code == 200
        assert httpx.get(f"{server.url}/play/tiny/").status_code == 200
        assert time.monotonic() - began < 2
    finally:
        server.kill()


def _write_weights(folder: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    from backends.registry.manifest import Manifest

    folder.mkdir(parents=True)
    save_file({"x": np.zeros(1, np.float32)}, str(folder / "model.safetensors"))
    Manifest.of(folder).write(folder)


def test_sigterm_lets_a_run_finish_and_ends_within_ten_seconds(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    try:
        server.wait_until("/api/ready", 200)
        with httpx.Client(base_url=server.url) as client:
            run = client.post("/api/actions/tiny/slow", json={"parameters": {"seconds": 2}}).json()
            endless = client.post("/api/actions/tiny/slow", json={"parameters": {"seconds": 60}}).json()
            cookie = client.cookies["vitrine_visitor"]
            while client.get(f"/api/runs/{endless['id']}").json()["state"] == "queued":
                time.sleep(0.05)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 11
        assert not list((tmp_path / "tmp").iterdir())
        again = ServerProcess(tmp_path)
        try:
            again.wait_until("/api/ready", 200)
            with httpx.Client(base_url=again.url, cookies={"vitrine_visitor": cookie}) as client:
                assert client.get(f"/api/runs/{run['id']}").json()["state"] == "done"
                assert client.get(f"/api/runs/{endless['id']}").json()["state"] == "interrupted"
        finally:
            again.kill()
    finally:
        server.kill()


def test_logs_are_json_with_a_reference_and_tell_no_query_or_file_name(server: ServerProcess) -> None:
    answer = httpx.get(f"{server.url}/api/runs?limit=7&private=tell-no-one")
    mine = line_of(server, answer.headers["x-request-id"])
    assert (mine["route"], mine["status"], mine["method"]) == ("/api/runs", 200, "GET")
    assert "tell-no-one" not in server.log.read_text()


def line_of(server: ServerProcess, reference: str) -> dict:
    """The log line of a request; it is written just after the answer has gone out."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for line in server.log.read_text().splitlines():
            if reference in line:
                return json.loads(line)
        time.sleep(0.02)
    raise AssertionError(f"no line about {reference}")
