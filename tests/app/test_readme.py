"""What the README shows works: its example runs, and its head is what Hugging Face Spaces expects."""

from __future__ import annotations

import re
from types import SimpleNamespace

from app.settings import ROOT
from backends.core.encoding import from_png

README = (ROOT / "README.md").read_text(encoding="utf-8")
_IMPORTS = """
from collections.abc import Iterator
from typing import ClassVar
from backends.core.action import Action, Job, OutputSpec
from backends.core.events import Event, Output
from backends.core.parameters import image, number
from backends.core.pictures import read_picture
from backends.core.results import Image
"""


def test_the_example_of_an_action_runs_as_it_is_printed(picture: bytes) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    room: dict = {"__name__": "readme"}
    exec(_IMPORTS + code, room)
    action = room["Brighten"].parse({"photo": "0" * 64, "gain": 2})
    (output,) = action.run(SimpleNamespace(read=lambda digest: picture))
    assert (output.result.pixels[0, :3] == from_png(picture)[0, :3] * 2).all()


def test_the_head_is_a_docker_space_on_our_port() -> None:
    head = dict(line.split(": ", 1) for line in README.split("---")[1].strip().splitlines())
    assert (head["sdk"], head["app_port"], head["license"]) == ("docker", "7860", "apache-2.0")
    assert len(head["short_description"]) <= 60
    assert f"EXPOSE {head['app_port']}" in (ROOT / "Dockerfile").read_text()


def test_every_address_of_the_api_that_the_readme_names_exists(client: object) -> None:
    paths = set(client.get("/api/openapi.json").json()["paths"])
    found = re.findall(r"`?(?:GET|POST|DELETE) /api(/[\w/<>.]+)", README)
    named = {re.sub(r"<\w+>", "{}", path).rstrip(".") for path in found}
    known = {re.sub(r"\{\w+\}", "{}", path) for path in paths}
    assert named - known <= {"/actions/{}/{}", "/actions/{}/{}/sweep"}
    assert any(path.startswith("/actions/") for path in paths)
