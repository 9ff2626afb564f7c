"""A live picture for each playground's card: its first example, really computed, once, in the background.

The result lands in the same cache as everyone's, so the playground itself opens on it at once.
"""

from __future__ import annotations

import io
import logging
import threading
import time
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image as Pillow

from backends.core.errors import VitrineError
from backends.core.playground import Example, Playground
from backends.core.results import Image
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from components.lab import current

VISITOR = "showcase"  # the house's own visitor: whose example inputs and runs these are
WIDEST = 720  # px: a card's picture is at most 360 px wide, on screens of twice the density
AGAIN_SECONDS = 30.0  # after a failure (a model that is not there yet, a full queue)

_log = logging.getLogger("vitrine.showcase")


@dataclass(frozen=True)
class Showpiece:
    """png: the picture. alt: what is seen. caption: what it was computed from."""

    png: bytes
    alt: str
    caption: str


class Showcase:
    """Pictures by playground name, computed by one thread when first asked for. Thread-safe."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._found: dict[str, Showpiece] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    def picture(self, playground: str) -> Showpiece | None:
        """The picture, or None while it is not there; asking starts the work."""
        found = self._found.get(playground)
        if found is None:
            self._start()
        return found

    def _start(self) -> None:
        with self._lock:
            if (self._thread and self._thread.is_alive()) or time.monotonic() < self._not_before:
                return
            self._not_before = time.monotonic() + AGAIN_SECONDS
            self._thread = threading.Thread(target=self._work, name="vitrine-showcase", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        for playground in self._lab.actions.playgrounds:
            if playground.name in self._found:
                continue
            try:
                piece = compute(self._lab, playground)
            except VitrineError as err:
                _log.warning("no picture of %s: %s", playground.name, err.sentence)
                continue
            if piece:
                self._found[playground.name] = piece


def compute(lab: Lab, playground: Playground) -> Showpiece | None:
    """Run the playground's first action on its first example; its last picture. Raises VitrineError."""
    action, examples = playground.actions[0], playground.examples()
    values = dict(examples[0].values) if examples else {}
    for parameter in action.parameters():
        if parameter.kind == "image" and examples:
            data = action.prepare_input(parameter.name, examples[0].read())
            digest = lab.store.artifacts.put(VISITOR, data, "application/octet-stream")
            hints = {name: hint.value for name, hint in action.suggest(parameter.name, data).items()}
            values = {**hints, **values, parameter.name: digest}
    run = lab.runtime.submit(lab.experiment(action.parse(values)), VISITOR)
    for event in lab.runtime.watch(run.id, VISITOR):
        if isinstance(event, Final):
            break
    results = lab.store.runs.outputs(run.id, VISITOR)
    pictures = [result for result in results.values() if isinstance(result, Image)]
    return _small(pictures[-1], examples[0] if examples else None) if pictures else None


@st.cache_resource(show_spinner=False)
def showcase() -> Showcase:
    """The one of this process."""
    return Showcase(current())


def _small(image: Image, example: Example | None) -> Showpiece:
    picture = Pillow.fromarray(np.ascontiguousarray(image.pixels))
    picture.thumbnail((WIDEST, WIDEST))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    made = ", a synthetic picture" if example and example.synthetic else ""
    caption = f"Computed here from the example \u201c{example.title}\u201d{made}." if example else "Computed here."
    return Showpiece(buffer.getvalue(), image.alt, caption)
