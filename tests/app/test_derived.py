"""An action declares itself once: controls, validation, HTTP API and reference follow, with no other code."""

from __future__ import annotations

import asyncio

import gradio as gr
import pytest
from starlette.testclient import TestClient

from backends.core.errors import BadParameter
from backends.runtime.lab import Lab
from components.controls import Panel
from components.playground import build
from components.reference_tables import outputs_table, parameters_table
from tests.app.tiny import TINY, Brighten


def test_its_controls_are_on_its_page(lab: Lab) -> None:
    asyncio.run(_look_at_the_page(lab))  # outside of a loop Gradio makes one, and leaves it open


async def _look_at_the_page(lab: Lab) -> None:
    with gr.Blocks(analytics_enabled=False):
        panel = Panel(Brighten, lab.catalogue)
    gain = panel.control("gain").component
    assert isinstance(gain, gr.Slider)
    assert (gain.minimum, gain.maximum, gain.step, gain.value) == (0.5, 4, 0.1, 1.5)
    mode = panel.control("mode").component
    assert [tuple(choice) for choice in mode.choices] == [("Clip", "clip"), ("Wrap", "wrap")]
    page = build(TINY, lab).get_config_file()
    labels = {str(component["props"].get("label", "")) for component in page["components"]}
    assert any("Gain" in label for label in labels)
    assert any("Photo" in label for label in labels)


def test_its_values_are_judged_by_the_declaration() -> None:
    with pytest.raises(BadParameter, match=r"Gain must be from 0.5 to 4 x\.") as refused:
        Brighten.parse({"photo": "0" * 64, "gain": 4.1})
    assert refused.value.field == "gain"


def test_it_has_an_address_of_its_own(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert paths["/actions/tiny/brighten"]["post"]["summary"] == "Brighten"
    told = client.get("/api/playgrounds").json()
    action = next(item for play in told for item in play["actions"] if item["name"] == "tiny/brighten")
    assert [item["name"] for item in action["parameters"]] == ["photo", "gain", "mode"]
    assert client.post(action["submit"], json={"parameters": {}}).json()["error"]["field"] == "photo"


def test_its_reference_is_written_by_it() -> None:
    rows = [" ".join(str(cell) for cell in row) for row in parameters_table(Brighten).rows]
    assert [word for word in ("Photo", "Gain", "Mode") if any(word in row for row in rows)] == ["Photo", "Gain", "Mode"]
    gain = next(row for row in rows if "Gain" in row)
    assert "0.5" in gain
    assert "Times this." in gain
    assert any("Brighter" in str(row) for row in outputs_table(Brighten).rows)


def test_a_model_that_is_not_here_is_told_beside_what_names_it(client: TestClient, picture: bytes) -> None:
    asked = {"action": "medical/classify", "parameter": "image"}
    image = client.post("/api/inputs", params=asked, content=picture).json()["digest"]
    single = {"image": image, "model": "medical/nowhere"}
    swept = {"image": image, "sweep_x": "model", "sweep_x_values": "medical/pneumonia-resnet18, medical/nowhere"}
    for action, parameters, field in (("classify", single, "model"), ("classify/sweep", swept, "sweep_x_values")):
        answer = client.post(f"/api/actions/medical/{action}", json={"parameters": parameters})
        assert (answer.status_code, answer.json()["error"]["field"]) == (404, field), answer.text
