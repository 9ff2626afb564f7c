"""Whether the boot self-test has passed, and if not, why. Written by one thread, read by many."""

from __future__ import annotations

from typing import Any


class Readiness:
    """Starts as 'starting'; then either passed, or failed for good with its reasons."""

    def __init__(self) -> None:
        self._problems: tuple[str, ...] | None = None
        self._seconds = 0.0

    def settle(self, problems: list[str], seconds: float) -> None:
        """The self-test is over. problems: one sentence each; none means that it passed."""
        self._seconds = seconds
        self._problems = tuple(problems)

    @property
    def settled(self) -> bool:
        """Whether the self-test is over."""
        return self._problems is not None

    @property
    def ready(self) -> bool:
        """Whether it passed."""
        return self._problems == ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What it found."""
        return self._problems or ()

    def as_dict(self) -> dict[str, Any]:
        """As /api/ready tells it."""
        state = "ready" if self.ready else "failed" if self.settled else "starting"
        return {"status": state, "problems": list(self.problems), "self_test_seconds": round(self._seconds, 2)}
