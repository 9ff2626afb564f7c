"""Updates of a page that are streamed: none of them may be lost on a busy machine.

Gradio sends each set of updates as what has changed since the last one, and its client writes that into the object
that the page may not have drawn yet. A value that is followed at once by "no change" is then never drawn. So what was
set is set again with every update that follows within `SECONDS`; the wire carries nothing for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import gradio as gr

SECONDS = 2.0  # longer than a page leaves an update undrawn; shorter than a visitor takes to see it and change it


def streamed(updates: Iterable[list[Any]]) -> Iterator[list[Any]]:
    """The same updates, none of which can be lost. Every handler that yields more than once goes through this."""
    told: list[Any] = []
    until: list[float] = []
    for new in updates:
        now = time.monotonic()
        told, until = told or [gr.skip() for _ in new], until or [0.0] * len(new)
        for place, update in enumerate(new):
            if not _is_skip(update):
                told[place] = _joined(told[place], update)
                until[place] = now + SECONDS
            elif now > until[place]:
                told[place] = update
        yield [dict(update) if isinstance(update, dict) else update for update in told]  # Gradio empties a dict


def _is_skip(update: Any) -> bool:
    return isinstance(update, dict) and update == gr.skip()


def _joined(old: Any, new: Any) -> Any:
    """Both, where each sets some properties; `new` where it is the value itself."""
    both = isinstance(old, dict) and isinstance(new, dict) and "__type__" in old and "__type__" in new
    return {**old, **new} if both else new
