"""The row of tools under a result: compute it again, put it aside for comparing, copy its address, the keys.

Which results were put aside is kept by the browser's tab (theme/tools.js), so that it survives a reload.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.core.errors import VitrineError
from backends.experiments.replay import replay, verdict
from components import status
from components.conduct import buttons
from components.opening import controls_of
from components.streaming import streamed
from components.verdict_html import verdict_html
from components.visitor import visitor_of

if TYPE_CHECKING:
    from components.frame import ActionFrame

_TRAY = """
<div class="vt-tray" data-action="{action}" role="status" hidden><span></span>
<a target="_parent" href="/compare">Compare</a><button type="button" data-tray="clear">Clear</button></div>
"""


class ToolRow:
    """Built inside the current Gradio block. reproduce: its button, among the frame's own."""

    def __init__(self, action: str) -> None:
        with gr.Row(elem_classes="vt-tools"):
            self.reproduce = gr.Button("Reproduce", size="sm", interactive=False, elem_id="vt-reproduce")
            self._compare = gr.Button("Add to comparison", size="sm", elem_id="vt-add")
            gr.HTML(
                '<button type="button" class="vt-tool" data-copy-page>Copy address</button>'
                '<button type="button" class="vt-tool vt-keys-open" aria-haspopup="dialog">Keys</button>'
            )
        self._tray = gr.HTML(
            "",
            html_template=_TRAY.format(action=html.escape(action)),
            js_on_load="window.vitrine.tray(element, props, watch)",
            elem_classes="vt-tray-place",
        )
        self._verdict = gr.HTML("", visible=False, elem_id="vt-verdict", elem_classes="vt-verdict-place")

    def wire(self, frame: ActionFrame, settings: dict[str, Any], raw: dict[str, Any]) -> None:
        """Join the frame's events. settings, raw: how events that take values as they are, or do not, are declared."""

        def again(request: gr.Request, run_id: str) -> Iterator[list[Any]]:
            yield from streamed(self._again(frame, run_id, request))

        def put_aside(request: gr.Request, run_id: str, *values: Any) -> Iterator[list[Any]]:
            yield from streamed(self._put_aside(frame, run_id, values, request))

        everything = [*frame.controls, *frame.going, self._verdict]
        self.reproduce.click(again, frame.run_id, everything, **settings)
        self._compare.click(put_aside, [frame.run_id, *frame.controls], [*frame.going, self._tray], **raw)

    def _again(self, frame: ActionFrame, run_id: str, request: gr.Request) -> Iterator[list[Any]]:
        """Compute the recorded run once more. Its result stays on the page; the verdict judges the new one."""
        conductor, lab, visitor = frame.conductor, frame.lab, visitor_of(request, frame.lab)
        stay = conductor.controls_stay()
        try:
            stored, results = lab.store.runs.get(run_id, visitor), lab.store.runs.outputs(run_id, visitor)
            new = replay(lab, run_id, visitor)
        except VitrineError as err:
            yield [*stay, *conductor.answer_stays(), run_id, *buttons(going=False, run_id=run_id), _told(err)]
            return
        shown = conductor.answer(status.running("Computing it again", 0.0), results)
        controls = controls_of(conductor, stored, request)
        yield [*controls, *shown, new.id, *buttons(going=True), gr.update(value="", visible=False)]
        for updates in conductor.follow(new.id, visitor):
            answer = [*updates[: len(conductor.panel.problems) + 1], *conductor.view_stays(), gr.skip()]
            yield [*stay, *answer, *updates[len(answer) :], gr.skip()]
        yield [
            *stay,
            *conductor.answer_stays(),
            run_id,
            *buttons(going=False, run_id=run_id),
            self._judged(frame, run_id, new.id, visitor),
        ]

    def _judged(self, frame: ActionFrame, first: str, second: str, visitor: str) -> Any:
        try:
            if frame.lab.store.runs.get(second, visitor).state != "done":
                return gr.skip()  # stopped or failed: the status line says so
            return gr.update(value=verdict_html(verdict(frame.lab, first, second, visitor)), visible=True)
        except VitrineError as err:
            return _told(err)

    def _put_aside(
        self, frame: ActionFrame, run_id: str, values: Sequence[Any], request: gr.Request
    ) -> Iterator[list[Any]]:
        """Record what is shown where it is not, and give its id to the tray."""
        kept = yield from frame.recorded(run_id, values, request, [gr.skip()])
        if kept:
            stay = [gr.skip()] * len(frame.going)
            yield [*stay, f"{kept.id} {time.time_ns()}"]  # the time makes the same run a new value, after Clear


def _told(err: VitrineError) -> Any:
    return gr.update(value=status.failed(err), visible=True)
