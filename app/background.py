"""What happens besides answering: self-test and warm-up once the socket listens, then tidying up, on one thread."""

from __future__ import annotations

import gc
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from app.readiness import Readiness
from app.selftest import Address, find_problems
from app.settings import Settings
from backends.core.errors import VitrineError
from backends.registry.construct import construction
from backends.runtime.lab import Lab

_TICK = 5.0  # seconds between looks at idle models and at the temporary folder
_COLLECT_EVERY = 600.0  # seconds between collections of what has expired; a full space is told of it (store.access)

_LOG = structlog.get_logger("vitrine.background")


class Background:
    """The thread. temp: this instance's folder for Gradio's files."""

    def __init__(self, lab: Lab, settings: Settings, readiness: Readiness, temp: Path) -> None:
        self._lab = lab
        self._settings = settings
        self._readiness = readiness
        self._temp = temp
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._frozen_after = -1  # loads at the last freeze

    def start(self, address: Address, on_failure: Callable[[], None]) -> None:
        """Begin, now that the socket listens. on_failure: called when the self-test has found something."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, args=(address, on_failure), name="vitrine-background", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """End at the next pause, and remove the temporary files."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
        shutil.rmtree(self._temp, ignore_errors=True)

    def _work(self, address: Address, on_failure: Callable[[], None]) -> None:
        self._test(address)
        if not self._readiness.ready:
            on_failure()
        if self._settings.warm_up:
            self._step(self._warm_up)
        self._step(self._freeze)
        collected = time.monotonic()
        while not self._stop.wait(_TICK):
            self._step(self._lab.registry.sweep)
            self._step(self._clean_temp)
            self._step(self._freeze)
            if time.monotonic() - collected > _COLLECT_EVERY:
                collected = time.monotonic()
                self._step(lambda: self._lab.store.collect(datetime.now(UTC)))

    def _test(self, address: Address) -> None:
        began = time.monotonic()
        try:
            problems = find_problems(self._lab, address)
        except Exception:  # noqa: BLE001 - a self-test that breaks is a finding too, and readiness must say so
            _LOG.exception("self_test_failed")
            problems = ["The self-test itself failed; the server's logs say why."]
        self._readiness.settle(problems, time.monotonic() - began)
        for problem in problems:
            _LOG.error("self_test", problem=problem)
        if not problems:
            _LOG.info("ready", seconds=round(time.monotonic() - began, 2))

    def _step(self, work: Callable[[], object]) -> None:
        """One piece of work; if it fails it is logged, and the next one is still done."""
        try:
            work()
        except VitrineError as err:
            _LOG.warning("background", problem=err.sentence)
        except Exception:  # noqa: BLE001 - the thread's boundary: without it tidying up would end unseen
            _LOG.exception("background_failed")

    def _warm_up(self) -> None:
        """Load the model that each playground starts with, so that the first visitor does not wait for torch."""
        for playground in self._lab.actions.playgrounds:
            if playground.warm_up:
                # Loading a model imports the same frameworks: two threads in one import of torchvision end in
                # "deadlock detected by _ModuleLock" or a half-made module, and that first run failed.
                with construction():
                    playground.warm_up()
        wanted = {
            str(parameter.default): None
            for action in self._lab.actions
            for parameter in action.parameters()
            if parameter.kind == "model" and parameter.default
        }
        for model in wanted:
            if self._stop.is_set():
                return
            began = time.monotonic()
            with self._lab.registry.lease(model, deadline=60.0):
                _LOG.info("warm", model=model, seconds=round(time.monotonic() - began, 2))
        for playground in self._lab.actions.playgrounds:
            for example in playground.examples():
                example.thumbnail()

    def _freeze(self) -> None:
        """Take what is there out of the collector's sight, at first and after each load.

        A collection walks every object of torch and of both frameworks: 0.1 to 0.3 s in which nobody is answered.
        """
        loads = self._lab.registry.status().loads
        if loads != self._frozen_after:
            self._frozen_after = loads
            gc.collect()
            gc.freeze()

    def _clean_temp(self) -> None:
        """Remove Gradio's files that are older than the setting says; playgrounds keep what they need in the store."""
        oldest = time.time() - self._settings.temp_minutes * 60
        for path in sorted(self._temp.rglob("*"), reverse=True):  # what is inside a folder comes before the folder
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
            elif path.is_dir() and path.stat().st_mtime < oldest and not any(path.iterdir()):
                path.rmdir()
