"""The sessions' addresses, driven as a program would: texts, order, links, copies, undo, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from backends.runtime.lab import Lab
from backends.store.tables import LinkRow
from tests.app.test_api import brighten

ABSENT = "A" * 22


def saved(client: TestClient, picture: bytes, *gains: float) -> dict:
    session = client.post("/api/sessions", json={"title": "Saved", "tags": ["first"]}).json()
    for gain in gains:
        run = brighten(client, picture, gain=gain)
        answer = client.post(f"/api/sessions/{session['id']}/runs", json={"run_id": run["id"]})
        assert answer.status_code == 200
        session = answer.json()
    return session


def test_title_notes_and_tags_change_one_by_one(client: TestClient) -> None:
    session = client.post("/api/sessions", json={"title": " Mine ", "notes": "N", "tags": [" a ", "A", "b"]})
    assert session.status_code == 201
    told = session.json()
    assert (told["title"], told["notes"], told["tags"], told["mine"]) == ("Mine", "N", ["a", "b"], True)
    assert [link["id"] for link in told["links"]] == [told["link"]]
    address = f"/api/sessions/{told['id']}"
    changed = client.patch(address, json={"tags": ["c"]}).json()
    assert (changed["title"], changed["notes"], changed["tags"]) == ("Mine", "N", ["c"])
    assert client.patch(address, json={"notes": ""}).json()["notes"] == ""
    assert client.get(address).json()["title"] == "Mine"
    assert client.get(f"/api/sessions/{told['link']}").json()["id"] == told["id"]  # a link is an address too


def test_results_are_ordered_described_and_taken_out(client: TestClient, picture: bytes) -> None:
    session = saved(client, picture, 1.11, 1.12, 1.13)
    address = f"/api/sessions/{session['id']}"
    ids = [run["id"] for run in session["runs"]]
    wanted = [ids[2], ids[0], ids[1]]
    ordered = client.put(f"{address}/order", json={"run_ids": wanted}).json()
    assert [run["id"] for run in ordered["runs"]] == [item["run_id"] for item in ordered["items"]] == wanted
    slide = {"title": "T", "note": "N", "speaker": "S", "live": True}
    told = client.patch(f"{address}/runs/{ids[2]}", json=slide).json()
    assert told["items"][0] == {"run_id": ids[2], **slide}
    left = client.delete(f"{address}/runs/{ids[0]}").json()
    assert [run["id"] for run in left["runs"]] == [ids[2], ids[1]]
    assert not client.get(f"/api/runs/{ids[0]}").json()["saved"]
    late = client.put(f"{address}/order", json={"run_ids": wanted})
    assert late.status_code == 422
    assert late.json()["error"]["field"] == "run_ids"
    assert "Nothing was changed" in late.json()["error"]["hint"]


def test_a_link_is_made_shown_to_readers_and_withdrawn(visit: Callable[[], TestClient], picture: bytes) -> None:
    owner, reader = visit(), visit()
    session = saved(owner, picture, 1.14)
    address = f"/api/sessions/{session['id']}"
    run_id = session["runs"][0]["id"]
    owner.patch(f"{address}/runs/{run_id}", json={"speaker": "for me alone", "note": "for all"})
    made = owner.post(f"{address}/links", json={"hours": 2})
    assert made.status_code == 201
    link = made.json()
    assert datetime.fromisoformat(link["expires"]) - datetime.fromisoformat(link["created"]) == timedelta(hours=2)

    seen = reader.get(f"/api/links/{link['id']}").json()
    assert (seen["id"], seen["link"], seen["links"], seen["mine"]) == ("", link["id"], [], False)
    assert seen["items"][0]["speaker"] == ""
    assert seen["items"][0]["note"] == "for all"
    output = f"/api/runs/{run_id}/outputs/picture"
    assert reader.get(output).status_code == 200

    closed = owner.delete(f"{address}/links/{link['id']}").json()
    assert [one["id"] for one in closed["links"] if one["revoked"]] == [link["id"]]
    assert reader.get(output).status_code == 404
    answer = reader.get(f"/api/links/{link['id']}")
    assert answer.status_code == 410
    assert answer.json()["error"]["code"] == "link_closed"
    assert answer.json()["error"]["message"] == "This link was withdrawn by whoever shared it."
    assert owner.get(f"/api/links/{link['id']}").json()["mine"]


def test_an_expired_link_says_so(visit: Callable[[], TestClient], lab: Lab) -> None:
    owner, reader = visit(), visit()
    session = owner.post("/api/sessions", json={"title": "Short"}).json()
    link = owner.post(f"/api/sessions/{session['id']}/links", json={"hours": 1}).json()["id"]
    with lab.store._parts.database.write() as rows:
        rows.get_one(LinkRow, link).expires = datetime(2026, 3, 3, 8, tzinfo=UTC)
    answer = reader.get(f"/api/sessions/{link}")
    assert answer.status_code == 410
    assert answer.json()["error"]["message"] == "This link expired on 3 March 2026."


def test_a_reader_takes_a_copy_of_their_own(visit: Callable[[], TestClient], picture: bytes) -> None:
    owner, reader = visit(), visit()
    session = saved(owner, picture, 1.15)
    made = reader.post(f"/api/sessions/{session['link']}/duplicate")
    assert made.status_code == 201
    copy = made.json()
    assert (copy["title"], copy["tags"], copy["mine"]) == ("Copy of Saved", ["first"], True)
    assert copy["runs"][0]["id"] != session["runs"][0]["id"]
    assert copy["runs"][0]["experiment_digest"] == session["runs"][0]["experiment_digest"]
    assert owner.delete("/api/visitor").status_code == 204
    assert reader.get(copy["runs"][0]["outputs"][0]["url"]).status_code == 200


def test_deleting_is_undone_or_made_final(visit: Callable[[], TestClient], picture: bytes) -> None:
    owner, reader = visit(), visit()
    session = saved(owner, picture, 1.16)
    address = f"/api/sessions/{session['id']}"
    assert owner.delete(address).status_code == 204
    assert owner.get(address).status_code == 404
    assert reader.get(f"/api/links/{session['link']}").status_code == 404
    assert reader.post(f"{address}/restore").status_code == 404
    restored = owner.post(f"{address}/restore").json()
    assert restored["items"] == session["items"]
    assert reader.get(f"/api/links/{session['link']}").status_code == 200
    assert owner.delete(address).status_code == 204
    assert owner.post(f"{address}/erase").status_code == 204
    assert owner.post(f"{address}/restore").status_code == 404
    assert owner.get(f"/api/runs/{session['runs'][0]['id']}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "", {"title": "T", "tags": ["x" * 41]}, "tags.0"),
        ("POST", "", {"title": "T", "tags": [str(n) for n in range(21)]}, "tags"),
        ("POST", "", {"title": "T", "tags": "ab"}, "tags"),
        ("PATCH", "/{id}", {"title": ""}, "title"),
        ("PATCH", "/{id}", {"notes": "n" * 20_001}, "notes"),
        ("PATCH", "/{id}", {"owner": "me"}, "owner"),
        ("PUT", "/{id}/order", {}, "run_ids"),
        ("PUT", "/{id}/order", {"run_ids": [ABSENT]}, "run_ids"),
        ("POST", "/{id}/links", {"hours": 0}, "hours"),
        ("POST", "/{id}/links", {"hours": 1e9}, "hours"),
        ("PATCH", f"/{{id}}/runs/{ABSENT}", {"live": "perhaps"}, "live"),
        ("PATCH", f"/{{id}}/runs/{ABSENT}", {"note": "n" * 20_001}, "note"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_field(
    client: TestClient, method: str, path: str, body: dict, field: str
) -> None:
    session = client.post("/api/sessions", json={"title": "Mine"}).json()
    answer = client.request(method, "/api/sessions" + path.format(id=session["id"]), json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"] == field
    assert client.get(f"/api/sessions/{session['id']}").json() == session


def test_what_belongs_to_someone_else_answers_as_what_is_not_there(
    visit: Callable[[], TestClient], picture: bytes
) -> None:
    owner, other = visit(), visit()
    session = saved(owner, picture, 1.17)
    before = owner.get(f"/api/sessions/{session['id']}").json()
    run_id = session["runs"][0]["id"]
    requests = [
        ("GET", "", None),
        ("PATCH", "", {"title": "Stolen"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("POST", "/erase", None),
        ("POST", "/duplicate", None),
        ("POST", "/runs", {"run_id": run_id}),
        ("PUT", "/order", {"run_ids": [run_id]}),
        ("PATCH", f"/runs/{run_id}", {"title": "Stolen"}),
        ("DELETE", f"/runs/{run_id}", None),
        ("POST", "/links", {}),
        ("DELETE", f"/links/{session['link']}", None),
    ]
    for method, rest, body in requests:
        theirs, absent = (
            other.request(method, f"/api/sessions/{one}{rest}", json=body) for one in (session["id"], ABSENT)
        )
        assert theirs.status_code == absent.status_code == 404, (method, rest)
        told = [{**answer.json()["error"], "reference": ""} for answer in (theirs, absent)]
        assert told[0] == told[1]
    assert owner.get(f"/api/sessions/{session['id']}").json() == before


def test_every_address_is_documented_with_its_body_and_answer(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    expected = {
        "/sessions": {"get", "post"},
        "/sessions/{address}": {"get"},
        "/sessions/{session_id}": {"patch", "delete"},
        "/sessions/{address}/duplicate": {"post"},
        "/sessions/{session_id}/restore": {"post"},
        "/sessions/{session_id}/erase": {"post"},
        "/sessions/{session_id}/runs": {"post"},
        "/sessions/{session_id}/order": {"put"},
        "/sessions/{session_id}/runs/{run_id}": {"patch", "delete"},
        "/sessions/{session_id}/links": {"post"},
        "/sessions/{session_id}/links/{link}": {"delete"},
        "/links/{link}": {"get"},
    }
    for path, methods in expected.items():
        assert methods <= set(document["paths"][path]), path
        for method in methods:
            told = document["paths"][path][method]
            assert told["description"], (path, method)
            good = next(answer for code, answer in told["responses"].items() if code.startswith("2"))
            assert "204" in told["responses"] or good["content"]["application/json"]["schema"], (path, method)
    assert {"SessionView", "ItemView", "LinkView", "ItemChange", "NewLink"} <= set(document["components"]["schemas"])
