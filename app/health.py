"""Is the house well? A real round trip through database, queue and registry, each within a time of its own.

A check that hangs is the finding: it keeps its thread, is not started twice, and is reported by how long it has hung.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import structlog

from backends.core.errors import VitrineError
from backends.runtime.lab import Lab

ANSWER_WITHIN = 2.0  # seconds for all checks together, as they run side by side
_PING = 1.5  # seconds for the queue's round trip, so that it can say no before we give up on it

_LOG = structlog.get_logger("vitrine.health")
Check = Callable[[], str]  # returns what is wrong, or nothing


class Health:
    """The checks of a lab."""

    def __init__(self, lab: Lab) -> None:
        self._checks: dict[str, Check] = {
            "database": lambda: _database(lab),
            "queue": lambda: _queue(lab),
            "registry": lambda: _registry(lab),
        }
        self._under_way: dict[str, tuple[Future[str], float]] = {}

    async def report(self) -> dict[str, str]:
        """Name of the check -> what is wrong, in a sentence; empty when it is well. Takes at most ANSWER_WITHIN."""
        futures = {name: self._ask(name) for name in self._checks}
        wrapped = [asyncio.wrap_future(future) for future, _ in futures.values()]
        await asyncio.wait(wrapped, timeout=ANSWER_WITHIN)
        found = {}
        for name, (future, began) in futures.items():
            if future.done():
                self._under_way.pop(name, None)
                found[name] = future.result()
            else:
                found[name] = f"The {name} has not answered for {time.monotonic() - began:.0f} s."
        return found

    def _ask(self, name: str) -> tuple[Future[str], float]:
        if name in self._under_way:
            return self._under_way[name]
        future: Future[str] = Future()
        threading.Thread(target=_run, args=(self._checks[name], future), name=f"health-{name}", daemon=True).start()
        self._under_way[name] = (future, time.monotonic())
        return self._under_way[name]


def _run(check: Check, future: Future[str]) -> None:
    try:
        future.set_result(check())
    except VitrineError as err:
        future.set_result(err.sentence)
    except Exception:  # noqa: BLE001 - whatever a check raises is a finding, logged here and told in a sentence
        _LOG.exception("health_check_failed")
        future.set_result("The check itself failed; the server's logs say why.")


def _database(lab: Lab) -> str:
    lab.store.check()
    return ""


def _queue(lab: Lab) -> str:
    if lab.runtime.ping(_PING):
        return ""
    now = lab.runtime.status()
    return f"No run comes through the queue ({now.queued} wait, {now.running} are running, {now.silent} are stuck)."


def _registry(lab: Lab) -> str:
    health = lab.registry.health()
    return "" if health.ok else health.sentence
