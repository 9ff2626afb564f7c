"""The contributor's drill: one command makes a playground of four files, and all of the house works for it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image as Pillow

from backends.core.digest import sha256
from backends.core.errors import BadInput
from tests.app.drill import NAME, ROOT, make_checkout, run
from tests.browser.conftest import Server, start_server

QUICK = "not browser and not load and not fuzz and not slow"


@dataclass
class Drill:
    """The checkout with the new playground, and its server."""

    checkout: Path
    written: set[str]
    server: Server | None = field(default=None)


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    checkout, written = make_checkout(tmp_path_factory.mktemp("drill"))
    made = Drill(checkout, written)
    yield made
    if made.server:
        made.server.stop()


@pytest.fixture(scope="module")
def address(drill: Drill, tmp_path_factory: pytest.TempPathFactory) -> str:
    drill.server = start_server(tmp_path_factory.mktemp("data"), root=drill.checkout)
    return drill.server.url


def picture() -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(np.random.default_rng(5).integers(60, 190, (64, 64), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def contrast(client: httpx.Client, action: str = f"{NAME}/contrast", seed: int = 0, **values: Any) -> dict[str, Any]:
    """Run an action to its end."""
    asked = {"parameters": values, "seed": seed}
    answer = client.post(f"/api/actions/{action}", params={"wait": 60}, json=asked).raise_for_status()
    done: dict[str, Any] = answer.json()
    assert done["state"] == "done", done
    return done


def output(client: httpx.Client, told: dict[str, Any], name: str) -> bytes:
    url = next(item["url"] for item in told["outputs"] if item["name"] == name)
    return client.get(url).raise_for_status().content


@pytest.fixture
def me(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=90) as client:
        yield client


@pytest.fixture
def photo(me: httpx.Client) -> str:
    asked = {"action": f"{NAME}/contrast", "parameter": "photo"}
    digest: str = me.post("/api/inputs", params=asked, content=picture()).raise_for_status().json()["digest"]
    return digest


@pytest.fixture
def saved(me: httpx.Client, photo: str) -> dict[str, Any]:
    """A session of two runs that differ in one setting."""
    session = me.post("/api/sessions", json={"title": "A drill"}).raise_for_status().json()
    for gain in (1.0, 2.0):
        done = contrast(me, photo=photo, gain=gain, grain=3)
        me.post(f"/api/sessions/{session['id']}/runs", json={"run_id": done["id"]}).raise_for_status()
    told: dict[str, Any] = me.get(f"/api/sessions/{session['id']}").raise_for_status().json()
    return told


def runs_of(session: dict[str, Any]) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = session["runs"]
    return runs


def test_it_is_a_page_a_layout_an_actions_file_and_a_test(drill: Drill) -> None:
    assert drill.written == {
        f"pages/{NAME}.py",
        f"components/playgrounds/{NAME}.py",
        f"backends/{NAME}/actions.py",
        f"tests/backends/{NAME}/test_{NAME}_actions.py",
    }


def test_the_checks_and_the_tests_pass_with_it(drill: Drill) -> None:
    run(drill.checkout, "-m", "ruff", "format", "--check", ".")
    run(drill.checkout, "-m", "ruff", "check", ".")
    new = (f"backends/{NAME}", f"pages/{NAME}.py", f"components/playgrounds/{NAME}.py")
    run(drill.checkout, "-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache"), *new)  # what is known is not read again
    run(drill.checkout, "-c", "from importlinter.cli import lint_imports_command as lint; lint()")
    about_all = (f"tests/app/test_{name}.py" for name in ("derived", "openapi", "readme"))
    run(drill.checkout, "-m", "pytest", "-q", "-m", QUICK, f"tests/backends/{NAME}", *about_all)
    assert "3 passed" in run(drill.checkout, "-m", "pytest", "-q", f"tests/backends/{NAME}")


@pytest.mark.slow
def test_every_quick_test_passes_with_it(drill: Drill) -> None:
    left_out = f"--deselect=tests/app/{Path(__file__).name}"  # it would make a checkout of the checkout
    run(drill.checkout, "-m", "pytest", "-q", "-m", QUICK, left_out)


@pytest.mark.parametrize("name", ["", "A", "two words", "a/b", "../up", "class", "api", "medical", "é", "x" * 40])
def test_a_name_that_cannot_be_one_is_refused_and_nothing_is_written(drill: Drill, name: str) -> None:
    from app.scaffold import new_playground

    before = sorted(path for path in drill.checkout.rglob("*.py"))
    with pytest.raises(BadInput) as refused:
        new_playground(name, drill.checkout)
    assert refused.value.hint
    assert sorted(path for path in drill.checkout.rglob("*.py")) == before


def test_its_results_are_saved_and_opened_by_others(me: httpx.Client, saved: dict[str, Any]) -> None:
    with httpx.Client(base_url=str(me.base_url), timeout=90) as other:
        assert other.get(f"/api/runs/{runs_of(saved)[0]['id']}").status_code == 404
        opened = other.get(f"/api/links/{saved['link']}").raise_for_status().json()
        for mine, theirs in zip(runs_of(saved), runs_of(opened), strict=True):
            assert theirs["experiment"] == mine["experiment"]
            assert output(other, theirs, "picture") == output(me, mine, "picture")


def test_its_results_are_reproduced_and_compared(me: httpx.Client, saved: dict[str, Any]) -> None:
    first, second = runs_of(saved)
    replayed = me.post(f"/api/runs/{first['id']}/replay", params={"wait": 60}).raise_for_status().json()
    assert replayed["verdict"]["same"] is True
    assert replayed["run"]["id"] != first["id"]
    told = me.get("/api/compare", params={"runs": f"{first['id']},{second['id']}"}).raise_for_status().json()
    assert [item["title"] for item in told["different"]] == ["Gain"], "only what differs is listed"


def test_it_is_swept(me: httpx.Client, photo: str) -> None:
    swept = contrast(
        me, f"{NAME}/contrast/sweep", photo=photo, sweep_x="gain", sweep_x_values="0.5, 1, 2", sweep_best="spread"
    )
    best = output(me, swept, "best").decode()
    assert best.startswith("Gain 2 has the largest Contrast")
    one = contrast(me, photo=photo, gain=2.0)
    with zipfile.ZipFile(io.BytesIO(output(me, swept, "grid"))) as grid:
        assert output(me, one, "picture") in [grid.read(name) for name in grid.namelist()]


def test_it_is_presented_and_exported(me: httpx.Client, saved: dict[str, Any]) -> None:
    page = me.get(f"/present/{saved['link']}").raise_for_status()
    assert "A drill" in page.text
    slides = me.get(f"/api/sessions/{saved['link']}/slides.html").raise_for_status()
    assert "A drill" in slides.text
    assert 'src="http' not in slides.text
    archive = me.get(f"/api/sessions/{saved['link']}/archive.zip").raise_for_status().content
    with httpx.Client(base_url=str(me.base_url), timeout=90) as other:
        brought = other.post("/api/sessions/archive", content=archive, headers={"Content-Type": "application/zip"})
        imported = brought.raise_for_status().json()
        for mine, theirs in zip(runs_of(saved), runs_of(imported), strict=True):
            assert output(other, theirs, "picture") == output(me, mine, "picture")


def test_its_code_gives_the_same_with_and_without_the_server(
    me: httpx.Client, saved: dict[str, Any], drill: Drill, tmp_path: Path
) -> None:
    packed = me.get(f"/api/runs/{runs_of(saved)[0]['id']}/code.zip").raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(tmp_path)
    scripts = sorted(tmp_path.rglob("*.py"))
    assert len(scripts) == 3, "by HTTP, by gradio_client, and here"
    for script in scripts:
        there = f"import sys; sys.path.insert(0, {str(drill.checkout)!r})"
        begin = f"{there}; import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
        told = run(drill.checkout, "-c", begin, cwd=script.parent)
        assert "same" in told, script.read_text(encoding="utf-8")
        assert "different" not in told


def test_it_is_a_documented_operation_and_a_tool(me: httpx.Client) -> None:
    document = me.get("/api/openapi.json").json()
    body = document["paths"][f"/actions/{NAME}/contrast"]["post"]["requestBody"]
    gain = body["content"]["application/json"]["schema"]["properties"]["parameters"]["properties"]["gain"]
    assert (gain["minimum"], gain["maximum"]) == (0, 4)
    assert f"/actions/{NAME}/contrast/sweep" in document["paths"]
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "me", "version": "1"}},
    }
    accept = {"Accept": "application/json, text/event-stream"}
    first = me.post("/mcp", json=hello, headers=accept).raise_for_status()
    session = {"Mcp-Session-Id": first.headers["mcp-session-id"]} if "mcp-session-id" in first.headers else {}
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    tools = me.post("/mcp", json=listing, headers={**accept, **session, "MCP-Protocol-Version": "2025-06-18"}).text
    assert f"{NAME}_contrast" in tools


def test_its_picture_is_what_the_bytes_say(me: httpx.Client, photo: str) -> None:
    """The whole chain against plain NumPy: nothing on the way changes a pixel."""
    pixels = np.asarray(Pillow.open(io.BytesIO(picture()))).astype(float)
    done = contrast(me, photo=photo, gain=1.5)
    shown = output(me, done, "picture")
    expected = np.clip(pixels.mean() + 1.5 * (pixels - pixels.mean()), 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(Pillow.open(io.BytesIO(shown))), expected)
    assert sha256(shown) == next(item["digest"] for item in done["outputs"] if item["name"] == "picture")
