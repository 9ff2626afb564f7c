"""/mcp driven by the protocol's own client over HTTP, against a real server: the tools do what the API does."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import jsonschema
import pytest
from mcp import MCPError
from mcp.client.client import Client

from backends.core.digest import sha256
from tests.app.serving import ServerProcess

ERAS = ("legacy", "auto")  # sessions by handshake, and the newer protocol without them


def drive(server: ServerProcess, use: Callable[[Client], Awaitable[Any]], mode: str = "auto") -> Any:
    async def driven() -> Any:
        async with Client(f"{server.url}/mcp", mode=mode) as client:
            return await use(client)

    return asyncio.run(driven())


def call(server: ServerProcess, tool: str, given: dict[str, Any], mode: str = "auto") -> Any:
    return drive(server, lambda client: client.call_tool(tool, given), mode)


def runs_ended(server: ServerProcess, state: str) -> float:
    told = httpx.get(f"{server.url}/api/metrics").text
    found = re.search(rf'^vitrine_runs_total{{state="{state}"}} (\S+)', told, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("mode", ERAS)
def test_every_action_and_its_sweep_is_a_tool_with_a_valid_schema(server: ServerProcess, mode: str) -> None:
    tools = {tool.name: tool for tool in drive(server, lambda client: client.list_tools(), mode).tools}
    assert {"medical_classify", "medical_classify_sweep", "tiny_brighten", "tiny_slow", "list_examples"} <= set(tools)
    for name, tool in tools.items():
        assert re.fullmatch(r"[A-Za-z0-9_]{1,64}", name)
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.description
        assert tool.annotations.read_only_hint
        assert tool.annotations.destructive_hint is False
    brighten = tools["tiny_brighten"].input_schema
    gain = brighten["properties"]["gain"]
    assert (gain["type"], gain["minimum"], gain["maximum"], gain["default"]) == ("number", 0.5, 4, 1.5)
    assert gain["description"] == "Gain: Times this. From 0.5 to 4 x."
    assert brighten["properties"]["mode"]["enum"] == ["clip", "wrap"]
    assert brighten["properties"]["seed"]["type"] == "integer"
    assert brighten["required"] == ["photo"]
    classify = tools["medical_classify"]
    assert "medical/pneumonia-resnet18" in classify.input_schema["properties"]["model"]["enum"]
    assert "Not for clinical use" in classify.description
    assert "ct-spine" in str(drive(server, lambda client: client.call_tool("list_examples", {}), mode).content)


@pytest.mark.parametrize("mode", ERAS)
def test_the_medical_tool_gives_the_digests_of_the_http_api(server: ServerProcess, mode: str) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def use(client: Client) -> Any:
        async def hear(done: float, of: float | None, sentence: str | None) -> None:
            heard.append((done, of, sentence))

        given = {"image": "ct-spine", "opacity": 0.4 if mode == "legacy" else 0.45}
        return await client.call_tool("medical_classify", given, progress_callback=hear)

    answer = drive(server, use, mode)
    assert not answer.is_error, answer.content
    told = answer.structured_content
    assert json.loads(answer.content[0].text) == told
    assert "%" in told["results"]["answer"]
    assert told["results"]["probabilities"]["columns"] == ["Class", "Probability"]
    assert "Asking the model" in [sentence for _, _, sentence in heard]
    fractions = [done for done, _, _ in heard]
    assert fractions == sorted(set(fractions)), "progress must grow"

    pictures = [item for item in answer.content if item.type == "image"]
    digests = {sha256(base64.b64decode(item.data)) for item in pictures}
    assert {told["digests"]["view"], told["digests"]["overlay"]} == digests
    links = {item.uri.rsplit("/", 1)[-1]: item for item in answer.content if item.type == "resource_link"}
    assert set(links) == set(told["digests"])

    with httpx.Client(base_url=server.url, timeout=60) as client:
        import pydicom.data

        asked = {"action": "medical/classify", "parameter": "image"}
        file = Path(str(pydicom.data.get_testdata_file("CT_small.dcm", download=False))).read_bytes()
        digest = client.post("/api/inputs", params=asked, content=file).json()["digest"]
        assert digest == told["experiment"]["inputs"]["image"]
        values = {**told["experiment"]["parameters"], "image": digest}
        run = client.post("/api/actions/medical/classify?wait=60", json={"parameters": values}).json()
    assert {output["name"]: output["digest"] for output in run["outputs"]} == told["digests"]


@pytest.mark.parametrize("mode", ERAS)
def test_what_a_tool_has_found_can_be_read_again_by_the_same_client_only(server: ServerProcess, mode: str) -> None:
    async def use(client: Client) -> tuple[Any, Any, Any]:
        first = await client.call_tool("tiny_slow", {"seconds": 0.1})
        again = await client.call_tool("get_run", {"run": first.structured_content["run"]})
        link = next(item.uri for item in first.content if item.type == "resource_link")
        return first, again, (link, await client.read_resource(link))

    first, again, (link, read) = drive(server, use, mode)
    assert again.structured_content == first.structured_content
    assert sha256(base64.b64decode(read.contents[0].blob)) == first.structured_content["digests"]["waited"]

    stranger = call(server, "get_run", {"run": first.structured_content["run"]}, mode)
    assert stranger.is_error

    async def refused(client: Client) -> None:
        with pytest.raises(MCPError, match="There is no such run"):
            await client.read_resource(link)

    drive(server, refused, mode)


def test_a_client_without_cookies_is_a_guest_of_its_session(server: ServerProcess) -> None:
    """The wire itself, without a cookie jar: the session's id alone says who asks."""
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "wire", "version": "1"},
    }

    def ask(method: str, params: dict[str, Any], session: str = "") -> httpx.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        more = {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-06-18"} if session else {}
        return httpx.post(f"{server.url}/mcp", json=body, headers={**headers, **more}, timeout=30)

    def result(answer: httpx.Response) -> dict[str, Any]:
        line = next(line for line in answer.text.splitlines() if line.startswith("data: {"))
        return json.loads(line[6:])["result"]

    one, other = (ask("initialize", hello).headers["mcp-session-id"] for _ in range(2))
    made = result(ask("tools/call", {"name": "tiny_slow", "arguments": {"seconds": 0.2}}, one))
    look = {"name": "get_run", "arguments": {"run": made["structuredContent"]["run"]}}
    assert not result(ask("tools/call", look, one)).get("isError")
    assert result(ask("tools/call", look, other))["isError"]
    assert ask("tools/call", look, "f" * 32).status_code == 404


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"photo": "0" * 64, "gain": 9}, "Gain must be from 0.5 to 4 x."),
        ({}, "Photo is missing."),
        ({"photo": 7}, "Photo must be an image that was uploaded here."),
        ({"photo": "no such example!"}, "This is neither an example, nor a digest, nor a file in base64."),
        ({"photo": "aGVsbG8="}, "This file is not a PNG or JPEG picture."),
        ({"photo": "data:image/png;base64,"}, "The file is empty."),
        ({"photo": "0" * 64}, "There is no such file."),
        ({"photo": "0" * 64, "colour": "red"}, "Brighten has no setting named 'colour'."),
        ({"photo": "0" * 64, "seed": -1}, "Seed must be a whole number from 0 to 2147483647."),
    ],
)
def test_what_cannot_be_used_is_an_error_with_our_sentence(
    server: ServerProcess, given: dict[str, Any], sentence: str
) -> None:
    answer = call(server, "tiny_brighten", given)
    assert answer.is_error
    assert answer.content[0].text.startswith(sentence), answer.content[0].text
    assert answer.structured_content["error"]["message"].startswith(sentence)


def test_an_unknown_tool_and_a_wrong_use_of_one_are_errors_too(server: ServerProcess) -> None:
    assert call(server, "tiny_none", {}).content[0].text == "There is no tool named 'tiny_none'. List the tools."
    assert call(server, "get_run", {"id": "x"}).is_error
    assert call(server, "get_run", {"run": "../../etc"}).is_error


def test_a_picture_in_base64_gives_what_its_digest_gives(server: ServerProcess, picture: bytes) -> None:
    text = base64.b64encode(picture).decode()
    first = call(server, "tiny_brighten", {"photo": text, "gain": 2.5})
    again = call(server, "tiny_brighten", {"photo": f"data:image/png;base64,{text}", "gain": 2.5})
    assert first.structured_content["digests"] == again.structured_content["digests"]
    assert first.structured_content["results"]["mean"]["value"] > 100


def test_a_sweep_is_a_tool_as_well(server: ServerProcess, picture: bytes) -> None:
    text = base64.b64encode(picture).decode()
    told = call(server, "tiny_brighten_sweep", {"photo": text, "sweep_x": "gain", "sweep_x_values": "1, 2"})
    assert not told.is_error, told.content
    rows = told.structured_content["results"]["table"]["rows"]
    assert [row[0] for row in rows] in ([1, 2], ["1", "2"])


@pytest.mark.parametrize("mode", ERAS)
def test_a_client_that_gives_up_stops_the_run(server: ServerProcess, mode: str) -> None:
    before = runs_ended(server, "cancelled")

    async def use(client: Client) -> None:
        with anyio.move_on_after(1.5):
            await client.call_tool("tiny_slow", {"seconds": 59 if mode == "auto" else 58})

    drive(server, use, mode)
    deadline = time.monotonic() + 10
    while runs_ended(server, "cancelled") == before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert runs_ended(server, "cancelled") == before + 1


def test_the_guards_stand_before_the_tools(server: ServerProcess) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    url = f"{server.url}/mcp"
    foreign = httpx.post(url, json=body, headers={"Origin": "http://evil.example"})
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "foreign_origin")
    rebound = httpx.post(url, json=body, headers={"Host": "evil.example"})
    assert (rebound.status_code, rebound.json()["error"]["code"]) == (403, "foreign_host")
    large = httpx.post(url, content=b"x" * (5 * 2**20), headers={"Content-Type": "application/json"})
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
    nothing = httpx.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "none"})
    assert nothing.status_code in (400, 406)
    assert "default-src 'none'" in nothing.headers["content-security-policy"]


def test_the_lines_of_the_readme_connect_and_call(server: ServerProcess) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"^    from mcp\.client.*?(?=\n\n)", readme, re.DOTALL | re.MULTILINE)[0]
    body = lines.replace("http://localhost:7860", server.url).replace("\n", "\n    ")
    room: dict[str, Any] = {}
    exec(f"async def go():\n    {body}\n        return answer", room)
    answer = asyncio.run(room["go"]())
    assert not answer.is_error
    assert "%" in answer.structured_content["results"]["answer"]


def test_how_often_a_client_may_ask_is_bounded(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, submits_per_second="1")
    try:
        server.wait_until("/api/ready", 200)
        answers = [httpx.post(f"{server.url}/mcp", json={}) for _ in range(40)]
        assert 429 in [answer.status_code for answer in answers]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["error"]["code"] == "too_often"
        assert int(refused.headers["retry-after"]) >= 1
    finally:
        server.kill()
