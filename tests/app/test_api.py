"""The HTTP API end to end: a picture goes in, a run is followed, results come out, a session keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.testclient import TestClient

from backends.core.encoding import from_png

NOWHERE = "0" * 64


def bring(client: TestClient, data: bytes, parameter: str = "photo") -> str:
    answer = client.post("/api/inputs", params={"action": "tiny/brighten", "parameter": parameter}, content=data)
    assert answer.status_code == 200, answer.text
    return answer.json()["digest"]


def brighten(client: TestClient, data: bytes, wait: float = 20, **parameters: object) -> dict:
    told = {"parameters": {"photo": bring(client, data), **parameters}}
    answer = client.post("/api/actions/tiny/brighten", params={"wait": wait}, json=told)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def test_a_picture_is_uploaded_run_followed_fetched_and_saved(client: TestClient, picture: bytes) -> None:
    run = brighten(client, picture, gain=2.0)
    assert run["state"] == "done"
    assert {output["name"] for output in run["outputs"]} == {"picture", "mean"}

    events = client.get(f"/api/runs/{run['id']}/events").text
    kinds = [line[7:] for line in events.splitlines() if line.startswith("event: ")]
    assert kinds[-1] == "final"
    assert "output" in kinds

    shown = client.get(f"/api/runs/{run['id']}/outputs/picture")
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["content-disposition"].startswith("inline")
    assert (from_png(shown.content)[0, :4] == [0, 2, 4, 6]).all()

    session = client.post("/api/sessions", json={"title": "Mine"}).json()
    kept = client.post(f"/api/sessions/{session['id']}/runs", json={"run_id": run["id"]}).json()
    assert [item["id"] for item in kept["runs"]] == [run["id"]]
    assert kept["runs"][0]["saved"]
    renamed = client.patch(f"/api/sessions/{session['id']}", json={"title": "Ours"}).json()
    assert renamed["title"] == "Ours"
    assert [item["title"] for item in client.get("/api/sessions").json()] == ["Ours"]
    assert client.delete(f"/api/sessions/{session['id']}").status_code == 204
    assert client.get("/api/sessions").json() == []


def test_a_link_opens_a_session_for_others_to_read_only(visit: Callable[[], TestClient], picture: bytes) -> None:
    owner, reader = visit(), visit()
    run = brighten(owner, picture, gain=1.1)
    session = owner.post("/api/sessions", json={"title": "Shared", "notes": "Look"}).json()
    owner.post(f"/api/sessions/{session['id']}/runs", json={"run_id": run["id"]})
    output = f"/api/runs/{run['id']}/outputs/picture"

    assert reader.get(output).status_code == 404
    opened = reader.get(f"/api/links/{session['link']}").json()
    assert (opened["title"], opened["notes"], opened["mine"], opened["id"]) == ("Shared", "Look", False, "")
    assert reader.get(output).content == owner.get(output).content
    assert reader.patch(f"/api/sessions/{session['id']}", json={"title": "Stolen"}).status_code == 404
    assert reader.delete(f"/api/sessions/{session['id']}").status_code == 404


def test_two_visitors_cannot_see_stop_or_use_what_is_each_others(
    visit: Callable[[], TestClient], picture: bytes
) -> None:
    one, other = visit(), visit()
    run = brighten(one, picture, gain=1.2)
    session = one.post("/api/sessions", json={"title": "Private"}).json()
    address = f"/api/runs/{run['id']}"
    digest = run["experiment"]["inputs"]["photo"]

    for path in (address, f"{address}/events", f"{address}/outputs/picture", f"/api/sessions/{session['id']}"):
        assert other.get(path).status_code == 404, path
    assert other.post(f"{address}/cancel").status_code == 404
    assert other.post(f"/api/sessions/{session['id']}/runs", json={"run_id": run["id"]}).status_code == 404
    mine = other.post("/api/sessions", json={"title": "Theirs"}).json()
    assert other.post(f"/api/sessions/{mine['id']}/runs", json={"run_id": run["id"]}).status_code == 404
    assert other.get("/api/runs").json() == []
    used = other.post("/api/actions/tiny/brighten?wait=20", json={"parameters": {"photo": digest, "gain": 1.3}})
    assert used.status_code == 404 or used.json()["state"] == "failed"


def test_a_running_run_is_stopped(client: TestClient) -> None:
    run = client.post("/api/actions/tiny/slow", json={"parameters": {"seconds": 60}}).json()
    assert run["state"] in ("queued", "running")
    client.post(f"/api/runs/{run['id']}/cancel")
    assert client.get(f"/api/runs/{run['id']}", params={"wait": 10}).json()["state"] == "cancelled"


def test_forgetting_erases_everything_at_once(client: TestClient, picture: bytes) -> None:
    run = brighten(client, picture, gain=1.4)
    client.post("/api/sessions", json={"title": "Gone"})
    assert client.delete("/api/visitor").status_code == 204
    assert client.get(f"/api/runs/{run['id']}").status_code == 404
    assert client.get("/api/sessions").json() == []


def test_a_value_outside_its_range_is_refused_with_the_controls_name(client: TestClient) -> None:
    answer = client.post("/api/actions/tiny/brighten", json={"parameters": {"photo": NOWHERE, "gain": 9}})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("bad_parameter", "gain")
    assert error["message"] == "Gain must be from 0.5 to 4 x."


def test_a_file_that_is_no_picture_is_refused_with_a_sentence(client: TestClient) -> None:
    answer = client.post("/api/inputs", params={"action": "tiny/brighten", "parameter": "photo"}, content=b"hello")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "bad_image"
    wrong = client.post("/api/inputs", params={"action": "tiny/brighten", "parameter": "gain"}, content=b"hello")
    assert wrong.json()["error"]["field"] == "parameter"


def test_every_error_has_the_one_shape(client: TestClient) -> None:
    answers = [
        client.get("/api/nothing/here"),
        client.put("/api/sessions"),
        client.post("/api/sessions", json={"title": 3}),
        client.post("/api/sessions", content=b"{"),
        client.post("/api/actions/tiny/brighten", content=b"\xff"),
        client.post("/api/actions/tiny/brighten", json={"parameters": {}, "more": 1}),
        client.post("/api/actions/tiny/brighten", json={"parameters": {"photo": NOWHERE}, "seed": -1}),
        client.get("/api/runs/nothing"),
        client.get("/api/runs", params={"limit": 0}),
        client.get("/api"),
        client.get("/play/medical/monitoring"),
        client.get("/_stcore/metrics"),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 422, 422, 422, 422, 422, 404, 422, 404, 404, 404]
    for answer in answers:
        told = answer.json()
        assert list(told) == ["error"], answer.url
        assert set(told["error"]) == {"code", "message", "hint", "field", "reference"}
        assert told["error"]["reference"] == answer.headers["x-request-id"]
        assert told["error"]["message"]
    assert answers[1].headers["allow"]


def test_a_bug_is_told_by_reference_only_and_logged(visit: Callable[[], TestClient], lab: object, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    client = visit()
    monkeypatch.setattr(lab.store.runs, "recent", broken)
    answer = client.get("/api/runs")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["error"]["reference"] == answer.headers["x-request-id"]
    assert answer.headers["content-security-policy"]


def test_openapi_shows_ranges_units_help_and_the_error_shape(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    body = document["paths"]["/actions/tiny/brighten"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    gain = body["properties"]["parameters"]["properties"]["gain"]
    assert (gain["minimum"], gain["maximum"], gain["default"]) == (0.5, 4, 1.5)
    assert gain["description"] == "Gain: Times this. From 0.5 to 4 x."
    assert "seed" in body["properties"]
    assert "ErrorView" in document["components"]["schemas"]


def test_metrics_parse_and_count_requests_by_route_without_ids(client: TestClient, picture: bytes) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    run = brighten(client, picture, gain=1.6)
    client.get(f"/api/runs/{run['id']}")
    text = client.get("/api/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    routes = {sample.labels.get("route") for sample in families["vitrine_requests"].samples}
    assert "/api/runs/{run_id}" in routes
    assert "/api/actions/tiny/brighten" in routes
    assert run["id"] not in text
    assert {"vitrine_runs_queued", "vitrine_model_hits", "vitrine_models_ram_budget_bytes"} <= set(families)


def test_playgrounds_and_models_are_told_as_data(client: TestClient) -> None:
    told = {item["name"]: item for item in client.get("/api/playgrounds").json()}
    assert [action["name"] for action in told["tiny"]["actions"]] == ["tiny/brighten", "tiny/slow"]
    assert json.dumps(told)
    assert "ram" in client.get("/api/models").json()


def test_outputs_of_any_type_cannot_run_in_the_browser(client: TestClient) -> None:
    from app.routes.runs import file_name
    from backends.store.values import StoredOutput

    evil = StoredOutput("x", "file", NOWHERE, "text/html", 1, {"name": '../../a"b\r\n.html'})
    assert file_name(evil) == "a_b_.html"
    assert file_name(StoredOutput("x", "file", NOWHERE, "text/html", 1, {"name": "../.."})) == "result.bin"
