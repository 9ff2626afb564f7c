"""A real laboratory with a tiny playground and a tiny model, for the shell's tests; nothing in it is pretended."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import gradio as gr
import numpy as np
from PIL import Image as Pillow
from safetensors.numpy import load_file, save_file
from starlette.requests import Request

from backends.core.action import Action, Job, OutputSpec
from backends.core.events import Event, Output
from backends.core.identity import COOKIE, Identity
from backends.core.limits import Limits
from backends.core.parameters import VisibleIf, choice, image, model, number, toggle
from backends.core.pictures import read_picture
from backends.core.playground import Actions, Example, Playground
from backends.core.results import Audio, Figure, File, Gallery, Image, Number, Table, Text, Tokens
from backends.registry.catalogue import Catalogue, Local, ModelCard
from backends.registry.registry import Registry
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from backends.runtime.local import LocalRuntime
from backends.store.store import Store
from backends.store.values import Run


def picture() -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Pillow.fromarray(np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)).save(buffer, "PNG")
    return buffer.getvalue()


def new_visitor(lab: Lab) -> gr.Request:
    """A request of somebody never seen before, as a playground's handlers get it."""
    _, cookie = lab.identity.issue()
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode()), (b"origin", b"http://lab.test")]
    scope = {"type": "http", "method": "POST", "path": "/play/shades/", "query_string": b"", "headers": headers}
    return gr.Request(Request(scope), session_hash="tab")


class Shade(Action):
    """Make a picture darker.

    Shows one result of every kind.
    """

    name: ClassVar[str] = "shades/shade"
    title: ClassVar[str] = "Shade"
    live: ClassVar[bool] = True
    seeded: ClassVar[bool] = True
    outputs: ClassVar[tuple[OutputSpec, ...]] = (
        OutputSpec("darker", "image", "Darker"),
        OutputSpec("mean", "number", "Mean grey"),
        OutputSpec("raw", "file", "Raw values", optional=True),
    )
    photo: str = image(title="Photo", help="Any photo.", accepts=(".png", ".jpg"))
    model: str = model("shades/dimmer", title="Dimmer", help="What darkens.", task="dimming", domain="shades")
    amount: float = number(30, title="Amount", minimum=0, maximum=90, step=5, unit="%", help="How much darker.")
    curve: str = choice("line", title="Curve", options=[("Straight", "line"), ("Bent", "bend")], help="How.")
    smooth: bool = toggle(
        False, title="Smooth", help="Even out steps.", advanced=True, visible_if=VisibleIf("curve", ("bend",))
    )

    def run(self, job: Job) -> Iterator[Event]:
        with job.lease(self.model):
            pixels = (read_picture(job.read(self.photo)) * (1 - self.amount / 100)).astype(np.uint8)
        shown = Image(pixels, "A darker picture", "Darker")
        numbers = Table(("Part", "Grey"), (("all", float(pixels.mean())),), "Numbers")
        spec: dict[str, Any] = {
            "data": [{"type": "bar", "x": ["all"], "y": [1.0]}],
            "layout": {"title": {"text": "Grey"}},
        }
        yield Output("darker", shown)
        yield Output("mean", Number(float(pixels.mean()), "Mean grey", low=1.0, high=9.0, interval="95 %", n=4))
        yield Output("words", Text("<b>Not</b> bold, but **this** is.", True, "In words"))
        yield Output("tokens", Tokens(("dark", "er"), (1.0, -0.5), "weight", "Tokens"))
        yield Output("table", numbers)
        yield Output("figure", Figure(spec, numbers, "Grey"))
        yield Output("gallery", Gallery((shown, shown), "Twice"))
        yield Output("tone", Audio(np.zeros(80, np.int16), 8000, "Silence"))
        yield Output("raw", File("raw.bin", "application/octet-stream", b"1234", "Raw values"))


EXAMPLE = Example("steps", "Grey steps", "Drawn by a rule.", picture, picture, {"amount": 60.0}, synthetic=True)
SHADES = Playground("shades", "Shades", "Darken pictures.", (Shade,), examples=lambda: (EXAMPLE,))


@contextmanager
def shades_lab(folder: Path, playgrounds: tuple[Playground, ...] = (SHADES,)) -> Iterator[Lab]:
    """The laboratory, working, in `folder`; closed at the end."""
    weights = folder / "dimmer"
    weights.mkdir()
    save_file({"dim": np.ones(4, np.float32)}, weights / "model.safetensors")
    card = ModelCard(
        id="shades/dimmer",
        title="Dimmer",
        task="dimming",
        domain="shades",
        family="Table",
        parameters=1_200_000,
        bytes=4096,
        licence="MIT",
        source=Local(weights),
        loader=lambda folder, _device: load_file(folder / "model.safetensors"),
        card="# Dimmer\n\nDarkens. Mean error 0.5.",
    )
    actions, limits = Actions(playgrounds), Limits()
    registry = Registry(Catalogue([card]), ram_budget=2**20, vram_budget=0)
    store = Store.open(f"sqlite:///{folder / 'lab.db'}", folder / "artifacts", limits)
    runtime = LocalRuntime(actions, registry, store, workers=1, queue_limit=8, version="test")
    runtime.start()
    identity = Identity("a secret of some length")
    yield Lab(actions, registry.catalogue, registry, store, runtime, identity, limits, "test")
    runtime.close(0)
    registry.close()
    store.close()


def shaded(lab: Lab, visitor: str, amount: float = 30) -> Run:
    """A finished run of the example."""
    digest = lab.store.artifacts.put(visitor, picture(), "application/octet-stream")
    run = lab.runtime.submit(lab.experiment(Shade(photo=digest, amount=amount)), visitor)
    last = [event for event in lab.runtime.watch(run.id, visitor) if isinstance(event, Final)][-1]
    assert last.run.state == "done", last.run.error
    return last.run
