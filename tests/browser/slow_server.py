"""The real server with two more playgrounds: an action slow enough to be stopped and come back to, and the tiny one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar

from app.serve import Server
from app.server import create_app
from app.settings import Settings
from backends.core.action import Action, Job, OutputSpec
from backends.core.events import Event, Output, Progress
from backends.core.parameters import integer
from backends.core.playground import Playground
from backends.core.results import Number
from tests.app.tiny import TINY

STEP_SECONDS = 0.05


class Count(Action):
    """Count to a number, slowly."""

    name: ClassVar = "slow/count"
    title: ClassVar = "Count"
    outputs: ClassVar = (OutputSpec("total", "number", "Total"),)
    upto: int = integer(40, title="Up to", minimum=1, maximum=100_000, help="Where to stop counting.")

    def run(self, job: Job) -> Iterator[Event]:
        """Yields progress at each step, then the total."""
        for step in range(self.upto):
            job.cancellation.check()
            yield Progress(step / self.upto, f"Counted {step}")
            job.cancellation.wait(STEP_SECONDS)
        yield Output("total", Number(float(self.upto), "Counted to"))


SLOW = Playground("slow", "Slow", "Counts slowly.", (Count,))


if __name__ == "__main__":
    settings = Settings()
    asyncio.run(Server(create_app(settings, (SLOW, TINY)), settings, strict=False).serve())
