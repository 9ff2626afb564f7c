"""A playground of a dozen lines, for tests: what it declares must turn up everywhere without other code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from backends.core.action import Action, Job, OutputSpec
from backends.core.events import Event, Output, Progress
from backends.core.parameters import choice, image, number
from backends.core.pictures import read_picture
from backends.core.playground import Playground
from backends.core.results import Image, Number


class Brighten(Action):
    """Make a picture brighter."""

    name: ClassVar[str] = "tiny/brighten"
    title: ClassVar[str] = "Brighten"
    seeded: ClassVar[bool] = True
    outputs: ClassVar[tuple[OutputSpec, ...]] = (
        OutputSpec("picture", "image", "Brighter"),
        OutputSpec("mean", "number", "Mean"),
    )
    photo: str = image(title="Photo", help="Any photo.", accepts=(".png", ".jpg"))
    gain: float = number(1.5, title="Gain", minimum=0.5, maximum=4, step=0.1, unit="x", help="Times this.")
    mode: str = choice("clip", title="Mode", options=[("Clip", "clip"), ("Wrap", "wrap")], help="Above white.")

    def run(self, job: Job) -> Iterator[Event]:
        yield Progress(0.5, "Brightening")
        pixels = read_picture(job.read(self.photo)).astype(np.float64) * self.gain
        bright = np.clip(pixels, 0, 255) if self.mode == "clip" else pixels % 256
        yield Output("picture", Image(bright.astype(np.uint8), alt="A brighter picture"))
        yield Output("mean", Number(float(bright.mean()), "Mean"))


class Slow(Action):
    """Wait until it is stopped, or for the seconds asked for."""

    name: ClassVar[str] = "tiny/slow"
    title: ClassVar[str] = "Slow"
    outputs: ClassVar[tuple[OutputSpec, ...]] = (OutputSpec("waited", "number", "Waited"),)
    seconds: float = number(1, title="Seconds", minimum=0, maximum=60, step=0.1, unit="s", help="How long.")

    def run(self, job: Job) -> Iterator[Event]:
        yield Progress(0.1, "Waiting")
        if job.cancellation.wait(self.seconds):
            job.cancellation.check()
        yield Output("waited", Number(self.seconds, "Waited", "s"))


TINY = Playground("tiny", "Tiny", "For tests.", (Brighten, Slow))
