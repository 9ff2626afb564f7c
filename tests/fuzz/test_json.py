"""No JSON makes an endpoint fail: whatever is sent is answered, and every refusal has the one shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.app.serving import ServerProcess

pytestmark = pytest.mark.fuzz
EXAMPLES = 60  # of each endpoint in CI; the slow test runs 10,000 in all
HASH = "0" * 64
SHAPE = {"code", "message", "hint", "field", "reference"}

_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=40)
    | st.sampled_from([HASH, "\0", "\ud800", "../../etc/passwd", "' or 1=1 --", "1e999", "medical/pneumonia-resnet18"])
)  # fmt: skip
anything = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def near(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects with the right members and wrong values, besides anything at all."""
    return st.fixed_dictionaries({}, optional=members) | anything


_tiny = near(parameters=near(photo=_scalars, gain=_scalars, mode=_scalars), seed=_scalars)
_medical = near(parameters=near(image=_scalars, model=_scalars, centre=_scalars, width=_scalars, alpha=_scalars))
BODIES = {
    ("POST", "/api/actions/tiny/brighten"): _tiny,
    ("POST", "/api/actions/medical/classify"): _medical,
    ("POST", "/api/sessions"): near(title=_scalars, notes=_scalars, tags=st.lists(_scalars) | _scalars),
    ("PATCH", "/api/sessions/{}"): near(title=_scalars, notes=_scalars, tags=st.lists(_scalars) | _scalars),
    ("PUT", "/api/sessions/{}/order"): near(run_ids=st.lists(_scalars) | _scalars),
    ("PATCH", "/api/sessions/{}/runs/{}"): near(title=_scalars, note=_scalars, speaker=_scalars, live=_scalars),
    ("POST", "/api/sessions/{}/links"): near(hours=_scalars),
    ("POST", "/api/sessions/{}/runs"): near(run_id=_scalars),
    ("POST", "/api/runs/{}/cancel"): anything,
}


def check(client: TestClient, method: str, path: str, body: Any) -> None:
    answer = client.request(method, path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code < 500, (answer.status_code, answer.text)
    if answer.status_code >= 400:
        assert set(answer.json()["error"]) == SHAPE


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_no_json_makes_an_endpoint_fail(visit: Callable[[], TestClient], method: str, path: str) -> None:
    client = visit()
    session = client.post("/api/sessions", json={"title": "Mine"}).json()["id"]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=BODIES[method, path])
    def run(body: Any) -> None:
        check(client, method, path.format(session, session), body)

    run()


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), BODIES)
def test_ten_thousand_bodies_make_no_endpoint_fail(visit: Callable[[], TestClient], method: str, path: str) -> None:
    client = visit()

    @settings(max_examples=10_000 // len(BODIES) + 1, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=BODIES[method, path])
    def run(body: Any) -> None:
        check(client, method, path.format("x", "x"), body)

    run()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.text(st.characters(codec="utf-8"), max_size=80), raw=st.binary(max_size=200))
def test_no_id_and_no_bytes_make_an_endpoint_fail(visit: Callable[[], TestClient], name: str, raw: bytes) -> None:
    client = visit()
    answers = [
        client.get("/api/runs/" + quote(name, safe="")),
        client.get("/api/links/" + quote(name, safe="")),
        client.get("/api/runs", params={"limit": name}),
        client.post("/api/inputs", params={"action": name, "parameter": name}, content=raw),
        client.post("/api/inputs", params={"action": "tiny/brighten", "parameter": "photo"}, content=raw),
        client.post("/api/actions/tiny/brighten", content=raw),
    ]
    assert all(answer.status_code < 500 for answer in answers), [(a.status_code, str(a.url)) for a in answers]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"data":{}}', b'{"data":[],"fn_index":99999}', b"\xff"])
def test_the_gradio_queue_refuses_nonsense_without_failing(server: ServerProcess, body: bytes) -> None:
    for path in ("queue/join", "cancel", "reset", "component_server"):
        address = f"{server.url}/play/tiny/gradio_api/{path}"
        answer = httpx.post(address, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500, path
