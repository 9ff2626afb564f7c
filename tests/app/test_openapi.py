"""/api/openapi.json is what programs are built from: it is well formed, and what it promises is what happens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from backends.runtime.lab import Lab
from tests.app.test_api import brighten

METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(scope="module")
def spec(visit: Callable[[], TestClient]) -> dict[str, Any]:
    answer = visit().get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            assert method in METHODS, (path, method)
            yield path, method, operation


def schema_of(spec: dict[str, Any], path: str, method: str, status: str) -> dict[str, Any]:
    """A documented response's schema, with what it refers to."""
    found = spec["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    return {**found, "components": spec["components"]}


def told_as_documented(spec: dict[str, Any], path: str, method: str, answer: Any) -> None:
    """The answer's status is documented, and its body is of that schema."""
    responses = spec["paths"][path][method]["responses"]
    status = str(answer.status_code)
    assert status in responses or "default" in responses
    status = status if status in responses else "default"
    jsonschema.Draft202012Validator(schema_of(spec, path, method, status)).validate(answer.json())


def test_it_has_the_form_that_openapi_3_1_demands(spec: dict[str, Any]) -> None:
    assert spec["openapi"].startswith("3.1")
    assert spec["info"]["title"] == "Vitrine"
    assert spec["info"]["version"]
    for path, _, operation in operations(spec):
        assert path.startswith("/")
        assert operation["responses"]
        assert operation.get("summary")
        named = set(re.findall(r"\{(\w+)\}", path))
        declared = {item["name"] for item in operation.get("parameters", ()) if item["in"] == "path"}
        assert named == declared, path
        assert all(item["required"] for item in operation.get("parameters", ()) if item["in"] == "path")


def test_every_reference_leads_somewhere(spec: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(spec)):
        assert reference.startswith("#/")
        place: Any = spec
        for part in reference[2:].split("/"):
            place = place[part.replace("~1", "/").replace("~0", "~")]
        assert place


def test_every_operation_has_an_id_of_its_own(spec: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(spec)]
    assert len(ids) == len(set(ids))


def test_every_schema_in_it_is_a_valid_one(spec: dict[str, Any]) -> None:
    for schema in spec["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, _, operation in operations(spec):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            jsonschema.Draft202012Validator.check_schema(content["schema"])
        for item in operation.get("parameters", ()):
            jsonschema.Draft202012Validator.check_schema(item["schema"])
        assert "default" in operation["responses"], path


def test_every_action_and_its_sweep_is_an_operation_with_ranges_units_and_choices(
    spec: dict[str, Any], lab: Lab
) -> None:
    for action in (*lab.actions, *lab.actions.derived):
        operation = spec["paths"][f"/actions/{action.name}"]["post"]
        assert operation["description"] == action.summary()
    body = spec["paths"]["/actions/tiny/brighten"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    values = body["properties"]["parameters"]["properties"]
    assert (values["gain"]["minimum"], values["gain"]["maximum"]) == (0.5, 4)
    assert values["gain"]["description"] == "Gain: Times this. From 0.5 to 4 x."
    assert values["mode"]["enum"] == ["clip", "wrap"]
    assert body["properties"]["seed"]["maximum"] == 2**31 - 1
    medical = spec["paths"]["/actions/medical/classify"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "medical/redcells-resnet18" in medical["properties"]["parameters"]["properties"]["model"]["enum"]


def test_every_example_of_an_action_fits_its_schema_and_works(spec: dict[str, Any], client: TestClient) -> None:
    tried = 0
    for path, method, operation in operations(spec):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for name, example in content.get("examples", {}).items():
            jsonschema.Draft202012Validator(content["schema"]).validate(example["value"])
            if "/sweep" in path or name != next(iter(content["examples"])):
                continue  # the same pictures once are enough
            answer = client.request(method, f"/api{path}", params={"wait": 60}, json=example["value"])
            assert answer.status_code == 200, answer.text
            assert answer.json()["state"] == "done", answer.json()["error"]
            tried += 1
    assert tried >= 2


def test_an_example_of_a_sweep_works(spec: dict[str, Any], client: TestClient) -> None:
    content = spec["paths"]["/actions/medical/classify/sweep"]["post"]["requestBody"]["content"]["application/json"]
    example = next(iter(content["examples"].values()))["value"]
    example["parameters"] |= {"sweep_x": "opacity", "sweep_x_values": "0, 1"}
    jsonschema.Draft202012Validator(content["schema"]).validate(example)
    run = client.post("/api/actions/medical/classify/sweep", params={"wait": 60}, json=example).json()
    assert run["state"] == "done", run["error"]
    assert run["outputs"][0]["kind"] == "grid"


def test_the_answers_of_the_main_routes_are_those_that_are_documented(
    spec: dict[str, Any], client: TestClient, picture: bytes
) -> None:
    asked = {"action": "tiny/brighten", "parameter": "photo"}
    given = client.post("/api/inputs", params=asked, content=picture)
    told_as_documented(spec, "/inputs", "post", given)
    run = brighten(client, picture, gain=1.9)
    pairs = [
        ("/playgrounds", "get", client.get("/api/playgrounds")),
        ("/runs", "get", client.get("/api/runs")),
        ("/runs/{run_id}", "get", client.get(f"/api/runs/{run['id']}")),
        ("/runs/{run_id}", "get", client.get("/api/runs/none")),
        ("/sessions", "post", client.post("/api/sessions", json={"title": "Mine"})),
        ("/sessions", "post", client.post("/api/sessions", json={})),
        ("/sessions", "get", client.get("/api/sessions")),
        ("/models", "get", client.get("/api/models")),
        ("/health", "get", client.get("/api/health")),
        ("/actions/tiny/brighten", "post", client.post("/api/actions/tiny/brighten", json={})),
        ("/actions/tiny/slow", "post", client.post("/api/actions/tiny/slow", json={"parameters": {"seconds": 3}})),
    ]
    assert pairs[-1][2].status_code == 202
    for path, method, answer in pairs:
        told_as_documented(spec, path, method, answer)


def test_an_example_and_a_file_in_base64_may_stand_for_a_picture(client: TestClient) -> None:
    named = client.post("/api/actions/medical/classify?wait=60", json={"parameters": {"image": "ct-spine"}}).json()
    assert named["state"] == "done", named
    assert named["experiment"]["parameters"]["width"] == 400  # what the file itself asks for
    wrong = client.post("/api/actions/medical/classify", json={"parameters": {"image": "no such example!"}})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "image")
