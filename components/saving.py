"""Save: put a run into a session and give its link. The session stays open for what is saved next on the same page."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.core.errors import VitrineError
from backends.core.results import Result
from backends.runtime.lab import Lab
from backends.store.values import Run, Session
from components.visitor import origin_of, visitor_of

Title = Callable[[Run, dict[str, Result]], str]


@dataclass
class SavePart:
    """What the Save button leaves behind, built inside the current Gradio block."""

    playground: str
    title_of: Title
    button: Any

    def __post_init__(self) -> None:
        with gr.Column(elem_classes="vt-save"):
            self.message = gr.HTML("", visible=False, elem_classes="vt-saved")
            self.link = gr.Textbox(
                label="Link to this result",
                buttons=["copy"],
                interactive=False,
                visible=False,
                elem_id="vt-link",
                elem_classes="vt-link",
            )
        self.session = gr.State("")

    @property
    def components(self) -> list[Any]:
        """What `keep` and `stays` update, in order."""
        return [self.link, self.message, self.session]

    def stays(self) -> list[Any]:
        """No change."""
        return [gr.skip()] * len(self.components)

    def keep(self, run: Run, session_id: str, lab: Lab, request: gr.Request) -> list[Any]:
        """Add the run to the open session, or to a new one. Raises VitrineError."""
        visitor = visitor_of(request, lab)
        session = self._session(run, session_id, visitor, lab)
        session = lab.store.sessions.add_run(session.id, visitor, run.id)
        link = f"{origin_of(request)}/{self.playground}?session={session.link}&run={run.id}"
        count = len(session.runs)
        size = "1 result" if count == 1 else f"{count} results"
        text = f"Saved in <b>{html.escape(session.title)}</b> ({size}). Whoever has the link can see it, not change it."
        return [gr.update(value=link, visible=True), gr.update(value=f"<p>{text}</p>", visible=True), session.id]

    def _session(self, run: Run, session_id: str, visitor: str, lab: Lab) -> Session:
        if session_id:
            try:
                return lab.store.sessions.get(session_id, visitor)
            except VitrineError:
                pass  # it was deleted meanwhile: a new one takes its place
        return lab.store.sessions.create(visitor, self.title_of(run, lab.store.runs.outputs(run.id, visitor)))
