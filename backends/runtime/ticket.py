"""One run on its way through the queue and a worker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from backends.core.action import Action
from backends.core.cancellation import Cancellation
from backends.runtime.executor import RunEvent
from backends.runtime.provenance import Notes
from backends.runtime.pulse import Pulse
from backends.runtime.stream import Stream
from backends.store.values import Run


@dataclass(eq=False)
class Ticket:
    """A run of this process that has not ended. started: the monotonic time, None while it waits.

    interrupted: the runtime is closing and has given it up; whoever runs it must write nothing more about it.
    """

    run: Run
    action: Action
    stream: Stream[RunEvent] = field(default_factory=Stream)
    cancellation: Cancellation = field(default_factory=Cancellation)
    pulse: Pulse = field(default_factory=Pulse)
    notes: Notes = field(default_factory=Notes)
    started: float | None = None
    fraction: float = 0.0
    interrupted: bool = False

    @property
    def seconds_running(self) -> float:
        """Since a worker took it up; 0 while it waits."""
        return 0.0 if self.started is None else time.monotonic() - self.started
