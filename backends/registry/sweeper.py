"""A thread that does something every few seconds until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Sweeper:
    """Calls `sweep` every `every` seconds. Starting twice or stopping twice does no harm."""

    def __init__(self, sweep: Callable[[], object], every: float) -> None:
        self._sweep = sweep
        self._every = every
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in a daemon thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="registry sweeper", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End; returns once the thread has, or after 5 s if it is stuck in a release."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._sweep()
