"""The programs of a run do what they say: unpacked and run as they are, against a real server and without one."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pydicom.data
import pytest
from starlette.testclient import TestClient

from app.settings import ROOT
from tests.app.serving import ServerProcess
from tests.app.test_api import brighten

CT = Path(str(pydicom.data.get_testdata_file("CT_small.dcm", download=False)))
XRAY = next((ROOT / "assets" / "examples" / "medical").glob("xray-*.png"))
MEDICAL = "medical/classify"
# action, the file, parameters
CASES: dict[str, tuple[str, Path, dict[str, Any]]] = {
    "png": (MEDICAL, XRAY, {"opacity": 0.25}),
    "dicom": (MEDICAL, CT, {"centre": 40, "width": 400, "explain": "normal"}),
    "sweep": (f"{MEDICAL}/sweep", XRAY, {"sweep_x": "opacity", "sweep_x_values": "0, 0.5", "sweep_y": ""}),
}


@pytest.fixture(scope="module")
def visitor(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def runs(visitor: httpx.Client) -> dict[str, dict[str, Any]]:
    """A finished run of each case."""
    found = {}
    for name, (action, file, values) in CASES.items():
        asked = {"action": action, "parameter": "image"}
        digest = visitor.post("/api/inputs", params=asked, content=file.read_bytes()).json()["digest"]
        told = {"parameters": {**values, "image": digest}}
        run = visitor.post(f"/api/actions/{action}", params={"wait": 60}, json=told).json()
        assert run["state"] == "done", run
        found[name] = run
    return found


@pytest.fixture
def unpacked(visitor: httpx.Client, runs: dict[str, dict[str, Any]], tmp_path: Path) -> Callable[[str], Path]:
    def unpack(case: str) -> Path:
        answer = visitor.get(f"/api/runs/{runs[case]['id']}/code.zip")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"] == 'attachment; filename="code.zip"'
        folder = tmp_path / case
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            archive.extractall(folder)
        return folder

    return unpack


def run_program(folder: Path, name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """As a user would: in an environment without ours."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "TMPDIR", "LANG")}
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", str(folder / name), *arguments],
        cwd=folder,
        env={**kept, **env},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Result -> 'same' or 'different'."""
    return {name: word for word, name in re.findall(r"^(same|different)\s+(\w+) \S", done.stdout, re.MULTILINE)}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("program", ["run_http.py", "run_gradio.py", "run_local.py"])
def test_every_program_finds_the_digests_of_the_run(
    case: str, program: str, unpacked: Callable[[str], Path], runs: dict[str, Any], server: ServerProcess
) -> None:
    folder = unpacked(case)
    local = program == "run_local.py"
    done = run_program(
        folder, program, *([] if local else [server.url]), **({"PYTHONPATH": str(ROOT)} if local else {})
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(done) == {output["name"]: "same" for output in runs[case]["outputs"]}
    assert [path for path in (folder / "outputs").rglob("*") if path.is_file()]


def test_the_http_program_needs_nothing_but_python(unpacked: Callable[[str], Path], server: ServerProcess) -> None:
    folder = unpacked("png")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "run_http.py", server.url],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    kept = {path.name for path in (folder / "outputs").iterdir()}
    assert {"view.png", "answer.txt", "evidence.npy"} <= kept


@pytest.mark.parametrize("program", ["run_http.py", "run_gradio.py", "run_local.py"])
def test_an_expectation_that_was_changed_is_told_as_different(
    program: str, unpacked: Callable[[str], Path], server: ServerProcess
) -> None:
    folder = unpacked("png")
    text = (folder / program).read_text()
    (folder / program).write_text(re.sub(r'("answer": )"[0-9a-f]{64}"', rf'\1"{"0" * 64}"', text))
    arguments = [] if program == "run_local.py" else [server.url]
    done = run_program(folder, program, *arguments, PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    found = verdicts(done)
    assert [name for name, word in found.items() if word == "different"] == ["answer"]
    assert len(found) > 5


@pytest.mark.parametrize("program", ["run_http.py", "run_gradio.py", "run_local.py"])
def test_a_value_outside_its_range_ends_in_the_actions_own_sentence(
    program: str, unpacked: Callable[[str], Path], server: ServerProcess
) -> None:
    folder = unpacked("png")
    text = (folder / program).read_text()
    assert '"opacity": 0.25' in text
    (folder / program).write_text(text.replace('"opacity": 0.25', '"opacity": 25'))
    arguments = [] if program == "run_local.py" else [server.url]
    done = run_program(folder, program, *arguments, PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    assert "Overlay opacity must be from 0 to 1." in done.stderr
    if program != "run_gradio.py":  # its client tells every refusal as an exception
        assert "Traceback" not in done.stderr


def test_other_weights_are_refused_by_the_program_without_a_server(unpacked: Callable[[str], Path]) -> None:
    folder = unpacked("png")
    text = (folder / "run_local.py").read_text()
    (folder / "run_local.py").write_text(re.sub(r'(resnet18", )"[0-9a-f]{64}"', rf'\1"{"0" * 64}"', text))
    done = run_program(folder, "run_local.py", PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    assert "are not those this was made with" in done.stderr


def test_the_archive_holds_the_programs_the_inputs_and_six_lines(
    unpacked: Callable[[str], Path], runs: dict[str, Any]
) -> None:
    folder = unpacked("dicom")
    digest = runs["dicom"]["experiment"]["inputs"]["image"]
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {"run_http.py", "run_gradio.py", "run_local.py", "README.txt", f"inputs/{digest}"}
    assert len((folder / "README.txt").read_text().splitlines()) == 6


def test_each_program_also_has_an_address_of_its_own(visitor: httpx.Client, runs: dict[str, Any]) -> None:
    for name in ("run_http.py", "run_gradio.py", "run_local.py"):
        answer = visitor.get(f"/api/runs/{runs['png']['id']}/code/{name}")
        assert answer.headers["content-type"].startswith("text/plain")
        compile(answer.text, name, "exec")


def test_the_programs_of_anothers_run_are_not_told(visit: Callable[[], TestClient], picture: bytes) -> None:
    owner, other = visit(), visit()
    run = brighten(owner, picture, gain=1.7)
    for path in ("code.zip", "code/run_http.py", "code/run_gradio.py", "code/run_local.py"):
        assert owner.get(f"/api/runs/{run['id']}/{path}").status_code == 200
        assert other.get(f"/api/runs/{run['id']}/{path}").status_code == 404
        assert other.get(f"/api/runs/{'x' * 22}/{path}").json()["error"]["code"] == "not_found"


def test_a_run_that_is_not_done_has_programs_without_expectations(client: TestClient) -> None:
    run = client.post("/api/actions/tiny/slow", json={"parameters": {"seconds": 60}}).json()
    text = client.get(f"/api/runs/{run['id']}/code/run_http.py").text
    client.post(f"/api/runs/{run['id']}/cancel")
    assert "EXPECTED" not in text
    assert '"seconds": 60,  # Seconds (s)' in text
