"""The frame of a playground: its address, and the two scripts that talk across it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.embed import playground_address

COMPONENTS = Path(__file__).parents[2] / "components"


@pytest.mark.parametrize(
    ("name", "params", "address"),
    [
        ("medical", None, "/play/medical/"),
        ("medical", {}, "/play/medical/"),
        ("medical", {"session": "a b", "run": "c&d"}, "/play/medical/?session=a+b&run=c%26d"),
        ("../x", {"session": '"><script>'}, "/play/..%2Fx/?session=%22%3E%3Cscript%3E"),
    ],
)
def test_a_frame_address_passes_on_only_what_was_given(name, params, address):
    assert playground_address(name, params) == address


def test_both_sides_speak_of_the_same_messages():
    page = (COMPONENTS / "embed.js").read_text()
    frame = "".join((COMPONENTS / "theme" / name).read_text() for name in ("playground.js", "opened.js", "address.js"))
    told = re.compile(r"type: \"(vitrine-[a-z]+)\"")
    heard = re.compile(r"type === \"(vitrine-[a-z]+)\"")
    assert set(told.findall(page)) == set(heard.findall(frame)) == {"vitrine-theme", "vitrine-view"}
    assert (
        set(told.findall(frame))
        == set(heard.findall(page))
        == {
            "vitrine-height",
            "vitrine-opened",
            "vitrine-ready",
            "vitrine-state",
        }
    )


def test_the_hub_alone_is_told_of_the_address_besides_ourselves():
    targets = re.findall(r"postMessage\(.*, (\w+)\)", (COMPONENTS / "embed.js").read_text())
    assert set(targets) == {"here", "HUB"}
    assert 'const HUB = "https://huggingface.co";' in (COMPONENTS / "embed.js").read_text()


@pytest.mark.parametrize("script", ["embed.js", "theme/playground.js"])
def test_no_side_hears_or_tells_another_origin(script):
    text = (COMPONENTS / script).read_text()
    assert "event.origin !== here" in text
    assert re.search(r"postMessage\([^)]*, here\)", text)
    assert '"*"' not in text
