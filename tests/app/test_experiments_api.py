"""/api/runs/{id}/replay and /api/compare, by a client with a cookie, as a program would use them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from starlette.testclient import TestClient

from backends.core.encoding import from_png
from tests.app.test_api import brighten


def test_a_run_is_replayed_and_judged(client: TestClient, picture: bytes) -> None:
    run = brighten(client, picture, gain=2.0)
    told = client.post(f"/api/runs/{run['id']}/replay", params={"wait": 20})
    assert told.status_code == 200, told.text
    body = told.json()
    assert body["run"]["id"] != run["id"]
    assert body["run"]["provenance"].get("cached") is None
    assert (body["verdict"]["same"], body["verdict"]["sentence"]) == (True, "Reproduced bit for bit.")
    assert [item["change"] for item in body["verdict"]["outputs"]] == ["identical", "identical"]


def test_without_waiting_there_is_no_verdict_yet(client: TestClient) -> None:
    body = {"parameters": {"seconds": 0.5}}
    run = client.post("/api/actions/tiny/slow", params={"wait": 20}, json=body).json()
    told = client.post(f"/api/runs/{run['id']}/replay")
    assert (told.status_code, told.json()["verdict"]) == (202, None)
    again = told.json()["run"]["id"]
    assert client.get(f"/api/runs/{again}", params={"wait": 20}).json()["state"] == "done"
    verdicts = client.get("/api/compare", params={"runs": f"{run['id']},{again}"}).json()["verdicts"]
    assert verdicts[0]["sentence"] == "Reproduced bit for bit."


def test_a_replay_that_is_stopped_says_so(client: TestClient) -> None:
    body = {"parameters": {"seconds": 2}}
    run = client.post("/api/actions/tiny/slow", params={"wait": 20}, json=body).json()
    again = client.post(f"/api/runs/{run['id']}/replay").json()["run"]["id"]
    client.post(f"/api/runs/{again}/cancel")
    assert client.get(f"/api/runs/{again}", params={"wait": 20}).json()["state"] == "cancelled"
    refused = client.post(f"/api/runs/{again}/replay")
    assert refused.status_code == 422
    assert refused.json()["error"]["message"] == "This run has no finished result to compare with."


def test_runs_are_compared_as_json(client: TestClient, picture: bytes) -> None:
    one, two = brighten(client, picture, gain=1.0), brighten(client, picture, gain=1.5)
    told = client.get("/api/compare", params={"runs": f"{one['id']},{two['id']}"}).json()
    assert [(item["name"], item["values"], item["unit"]) for item in told["different"]] == [("gain", [1, 1.5], "x")]
    assert {item["name"] for item in told["equal"]} == {"photo", "mode", "seed"}
    mean = next(item for item in told["outputs"] if item["name"] == "mean")["rows"][0]
    values = [client.get(f"/api/runs/{run['id']}/outputs/mean").json()["value"] for run in (one, two)]
    assert mean["values"] == values
    assert mean["changes"][0]["absolute"] == values[1] - values[0]
    assert mean["changes"][0]["low"] is None


def test_the_difference_picture_is_numpys(client: TestClient, picture: bytes) -> None:
    ids = [brighten(client, picture, gain=gain)["id"] for gain in (1.0, 1.7)]
    pixels = [from_png(client.get(f"/api/runs/{run}/outputs/picture").content).astype(int) for run in ids]
    answer = client.get("/api/compare/difference.png", params={"runs": ",".join(ids), "output": "picture"})
    assert answer.headers["content-type"] == "image/png"
    assert (from_png(answer.content) == np.abs(pixels[0] - pixels[1])).all()


def test_what_cannot_be_compared_is_told(visit: Callable[[], TestClient], picture: bytes) -> None:
    owner, other = visit(), visit()
    one, two = brighten(owner, picture, gain=1.1), brighten(owner, picture, gain=1.2)
    slow = owner.post("/api/actions/tiny/slow", params={"wait": 20}, json={"parameters": {"seconds": 0}}).json()
    both = f"{one['id']},{two['id']}"
    for runs, status, said in (
        (one["id"], 422, "Two to four"),
        (",".join([one["id"]] * 2), 422, "with itself"),
        (f"{one['id']},{slow['id']}", 422, "different kinds"),
        (f"{one['id']},{'A' * 22}", 404, "Run B is not there"),
        (",", 422, "Two to four"),
    ):
        answer = owner.get("/api/compare", params={"runs": runs})
        assert (answer.status_code, said in answer.json()["error"]["message"]) == (status, True), answer.text
    assert other.get("/api/compare", params={"runs": both}).status_code == 404
    assert other.post(f"/api/runs/{one['id']}/replay").status_code == 404
    picture_of = {"runs": both, "output": "picture"}
    assert other.get("/api/compare/difference.png", params=picture_of).status_code == 404
    for wrong, status in (({"output": "mean"}, 404), ({"runs": one["id"]}, 422), ({"output": "nothing"}, 404)):
        assert owner.get("/api/compare/difference.png", params={**picture_of, **wrong}).status_code == status
    session = owner.post("/api/sessions", json={"title": "Shared"}).json()
    for run in (one, two):
        owner.post(f"/api/sessions/{session['id']}/runs", json={"run_id": run["id"]})
    assert other.get("/api/compare", params={"runs": both, "session": session["link"]}).status_code == 200


def test_the_answers_are_described(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    replay = paths["/runs/{run_id}/replay"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert replay["$ref"].endswith("ReplayView")
    compared = paths["/compare"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert compared["$ref"].endswith("ComparisonView")
