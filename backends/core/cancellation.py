"""Stop, as a value that travels with the work."""

from __future__ import annotations

import threading

from backends.core.errors import Cancelled


class Cancellation:
    """A flag that is raised once and stays up. Thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._event.set()

    @property
    def requested(self) -> bool:
        """Whether someone has asked."""
        return self._event.is_set()

    def check(self) -> None:
        """Call between steps: raises Cancelled once someone has asked."""
        if self._event.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> bool:
        """Sleep, but wake at once when someone asks; returns whether they did."""
        return self._event.wait(seconds)
