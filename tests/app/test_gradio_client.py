"""Every action is a named endpoint of its playground, driven here by the real gradio_client against a real server."""

from __future__ import annotations

import json
import re
import textwrap
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from backends.core.digest import canonical_json, sha256
from tests.app.serving import ServerProcess
from tests.app.test_mcp import runs_ended

XRAY = next((Path(__file__).parents[2] / "assets" / "examples" / "medical").glob("xray-*.png"))


@pytest.fixture
def tiny(server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    yield from connected(server, "tiny", tmp_path, monkeypatch)


@pytest.fixture
def medical(server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    yield from connected(server, "medical", tmp_path, monkeypatch)


def connected(server: ServerProcess, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    client = Client(
        f"{server.url}/play/{name}",
        token=False,
        verbose=False,
        analytics_enabled=False,
        download_files=folder / "got",
    )
    yield client
    client.close()


@pytest.fixture
def photo(tmp_path: Path, picture: bytes) -> Path:
    file = tmp_path / "mine.png"
    file.write_bytes(picture)
    return file


def test_every_action_and_its_sweep_has_a_documented_endpoint(medical: Client, tiny: Client) -> None:
    told = str(medical.view_api(print_info=False, return_format="str"))
    assert 'api_name="/classify")' in told
    assert 'api_name="/classify_sweep")' in told
    assert "Overlay threshold: Evidence weaker than this part of the strongest" in told
    assert "From 0 to 1 of the peak." in told
    named = tiny.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert {"/brighten", "/brighten_sweep", "/slow", "/slow_sweep"} <= set(named)
    gain = next(item for item in named["/brighten"]["parameters"] if item["parameter_name"] == "gain")
    assert (gain["type"]["minimum"], gain["type"]["maximum"], gain["parameter_default"]) == (0.5, 4, 1.5)
    mode = next(item for item in named["/brighten"]["parameters"] if item["parameter_name"] == "mode")
    assert mode["python_type"]["type"] == "Literal['clip', 'wrap']"


def test_a_call_gives_the_digests_of_the_http_api(server: ServerProcess, medical: Client) -> None:
    run, outputs = medical.predict(image=handle_file(XRAY), opacity=0.35, api_name="/classify")
    assert run["state"] == "done"
    with httpx.Client(base_url=server.url, timeout=60) as client:
        asked = {"action": "medical/classify", "parameter": "image"}
        digest = client.post("/api/inputs", params=asked, content=XRAY.read_bytes()).json()["digest"]
        told = {"parameters": {"image": digest, "opacity": 0.35}}
        wanted = client.post("/api/actions/medical/classify?wait=60", json=told).json()
    assert run["digests"] == {output["name"]: output["digest"] for output in wanted["outputs"]}
    assert run["experiment"] == wanted["experiment_digest"]
    assert set(outputs) == set(run["digests"])
    assert set(run["files"]) == {"view", "overlay", "evidence"}
    for name, value in outputs.items():
        if name in run["files"]:
            found = Path(value).read_bytes()
        else:
            found = value.encode() if isinstance(value, str) else canonical_json(value)
        assert sha256(found) == run["digests"][name], name


def test_a_sweep_and_a_seed_go_the_same_way(tiny: Client, photo: Path) -> None:
    run, outputs = tiny.predict(
        photo=handle_file(photo), seed=4, sweep_x="gain", sweep_x_values="1, 2", api_name="/brighten_sweep"
    )
    assert run["state"] == "done"
    assert Path(outputs["grid"]).name == "grid.zip"
    assert len(outputs["table"]["rows"]) == 2


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"seconds": 99}, "Seconds must be from 0 to 60 s."),
        ({"seconds": "soon"}, "Seconds must be from 0 to 60 s."),
    ],
)
def test_what_cannot_be_used_ends_in_our_sentence(tiny: Client, given: dict, sentence: str) -> None:
    with pytest.raises(AppError, match=sentence):
        tiny.predict(**given, api_name="/slow")


def test_a_file_that_is_no_picture_and_a_bad_seed_are_refused(tiny: Client, tmp_path: Path, photo: Path) -> None:
    wrong = tmp_path / "wrong.png"
    wrong.write_bytes(b"hello")
    with pytest.raises(AppError, match="This file is not a PNG or JPEG picture"):
        tiny.predict(photo=handle_file(wrong), api_name="/brighten")
    with pytest.raises(AppError, match="seed must be a whole number"):
        tiny.predict(photo=handle_file(photo), seed=-1, api_name="/brighten")


@pytest.mark.parametrize("where", ["outside", "above", "sibling", "nowhere", "nothing", "number"])
def test_a_client_cannot_name_a_file_of_the_server(
    server: ServerProcess, where: str, tmp_path: Path, picture: bytes
) -> None:
    """The wire itself: the official client would never say this. The file is a picture, so only its place is wrong."""
    mine = tmp_path / "private.png"
    mine.write_bytes(picture)
    root = server.log.parent / "tmp" / str(server.process.pid)
    sibling = root.with_name(f"{root.name}0") / "private.png"
    sibling.parent.mkdir(exist_ok=True)
    sibling.write_bytes(picture)
    path = {
        "outside": str(mine),
        "above": f"{root}/../../../{mine}".replace("//", "/"),
        "sibling": str(sibling),
        "nowhere": str(root / "none.png"),
        "nothing": "",
        "number": 7,
    }[where]
    for meta in ({"meta": {"_type": "gradio.FileData"}}, {}):  # with it, Gradio itself sees that it is a file
        said = ask(server, "brighten", [{"path": path, **meta}, 1.5, "clip", 0])
        assert not said["success"], path
        assert "private" not in str(said["output"].get("error"))
    assert not list(root.rglob("private*")), "it was copied to where it could be fetched"


def test_a_playground_never_fetches_a_file_from_an_address(server: ServerProcess, tiny: Client) -> None:
    class Remembers(BaseHTTPRequestHandler):
        asked: ClassVar[list[str]] = []

        def do_GET(self) -> None:
            self.asked.append(self.path)
            self.send_error(404)

    with HTTPServer(("127.0.0.1", 0), Remembers) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        for host in (f"http://127.0.0.1:{elsewhere.server_port}", "http://192.0.2.1", "https://example.org"):
            with pytest.raises(AppError, match="A file cannot be fetched from a web address"):
                tiny.predict(photo=handle_file(f"{host}/x.png"), api_name="/brighten")
        elsewhere.shutdown()
    assert Remembers.asked == []


def test_a_bug_tells_nothing_of_itself(server: ServerProcess) -> None:
    said = ask(server, "brighten", [])  # fewer values than there are parameters
    assert not said["success"]
    assert "Traceback" not in json.dumps(said)
    assert not said["output"].get("error") or "brighten" not in said["output"]["error"]


def test_a_digest_is_taken_in_place_of_a_file_from_its_own_visitor_only(server: ServerProcess, picture: bytes) -> None:
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}) as client:
        asked = {"action": "tiny/brighten", "parameter": "photo"}
        digest = client.post("/api/inputs", params=asked, content=picture).json()["digest"]
        cookie = client.cookies["vitrine_visitor"]
    mine = ask(server, "brighten", [digest, 3.5, "clip", 0], cookie)
    assert mine["success"], mine
    assert mine["output"]["data"][0]["state"] == "done"
    other = ask(server, "brighten", [digest, 3.6, "clip", 0])
    assert "There is no such file" in other["output"]["error"]


def test_a_job_that_is_cancelled_stops_its_run(server: ServerProcess, tiny: Client) -> None:
    before = runs_ended(server, "cancelled")
    job = tiny.submit(seconds=57, api_name="/slow")
    deadline = time.monotonic() + 10
    while not job.outputs() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert job.outputs()[-1][0]["state"] in ("queued", "running")
    job.cancel()
    while runs_ended(server, "cancelled") == before and time.monotonic() < deadline + 10:
        time.sleep(0.1)
    assert runs_ended(server, "cancelled") == before + 1


def test_progress_comes_through_the_queue(tiny: Client, photo: Path) -> None:
    job = tiny.submit(seconds=2, sweep_x="seconds", sweep_x_values="1.1, 1.2", api_name="/slow_sweep")
    heard = set()
    while not job.done():
        status = job.status()
        heard |= {unit.desc for unit in status.progress_data or []}
        heard |= {told[0].get("sentence") for told in job.outputs()[-1:] if told[0].get("fraction")}
        time.sleep(0.05)
    assert any("of 2" in str(sentence) for sentence in heard), heard


def test_a_client_without_cookies_is_one_visitor_for_as_long_as_its_session_lasts(server: ServerProcess) -> None:
    """Equal calls of one session share the run; another session gets one of its own."""
    told = [7.25e-3]
    one, again = (ask(server, "slow", told, session="session-of-one")["output"]["data"][0]["id"] for _ in range(2))
    other = ask(server, "slow", told, session="session-of-another")["output"]["data"][0]["id"]
    assert one == again
    assert other != one


def test_the_lines_of_the_readme_connect_and_call(
    server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"^    from gradio_client.*?(?=\n\n)", readme, re.DOTALL | re.MULTILINE)[0]
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    (tmp_path / "chest.png").write_bytes(XRAY.read_bytes())
    monkeypatch.chdir(tmp_path)
    room: dict[str, Any] = {}
    exec(textwrap.dedent(lines).replace("http://localhost:7860", server.url), room)
    assert room["run"]["state"] == "done"
    assert "%" in room["outputs"]["answer"]
    room["client"].close()


def ask(
    server: ServerProcess, endpoint: str, data: list[object], cookie: str = "", session: str = "a-session"
) -> dict[str, object]:
    """Join the queue of the tiny playground as a client would, and wait for the end."""
    play = f"{server.url}/play/tiny"
    headers = {"Origin": server.url}
    if cookie:
        headers["Cookie"] = f"vitrine_visitor={cookie}"
    with httpx.Client(headers=headers, timeout=60) as client:
        config = client.get(f"{play}/config").json()
        job = next(item["id"] for item in config["dependencies"] if item["api_name"] == endpoint)
        if not cookie:
            client.cookies.clear()
        body = {"data": data, "fn_index": job, "session_hash": session}
        joined = client.post(f"{play}/gradio_api/queue/join", json=body)
        assert joined.status_code == 200, joined.text
        with client.stream("GET", f"{play}/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    message = json.loads(line[5:])
                    if message["msg"] == "process_completed":
                        return message
    raise AssertionError("the job did not end")
