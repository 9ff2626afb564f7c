"""Save: put a run into a session and give its link. The chosen session stays open for what is saved next.

One click saves; the menu beside it says where to: a new session, or one of the visitor's latest.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from backends.core.errors import VitrineError
from backends.core.results import Result
from backends.runtime.lab import Lab
from backends.store.values import Run, Session
from components.visitor import origin_of, visitor_of

Title = Callable[[Run, dict[str, Result]], str]
LATEST = 10  # sessions offered; the others are opened on the sessions page
_NEW = ("New session", "")
_TOAST_SECONDS = 3.0


@dataclass
class SavePart:
    """The Save button with its menu, and what it leaves behind."""

    playground: str
    title_of: Title

    def __post_init__(self) -> None:
        with gr.Row(elem_classes="vt-saving"):
            self.button = gr.Button("Save", elem_id="vt-save")
            self.session = gr.Dropdown(
                [_NEW],
                value="",
                label="Save to",
                container=False,
                filterable=False,
                min_width=132,
                elem_id="vt-save-to",
                elem_classes="vt-save-to",
            )

    def place(self) -> None:
        """Build the place for the link, in the current Gradio block."""
        self.message = gr.HTML("", visible=False, elem_id="vt-link", elem_classes="vt-saved")

    @property
    def components(self) -> list[Any]:
        """What `keep` and `stays` update, in order."""
        return [self.message, self.session]

    def stays(self) -> list[Any]:
        """No change."""
        return [gr.skip()] * len(self.components)

    def choices(self, request: gr.Request, lab: Lab) -> Any:
        """An update of the menu: where can be saved to now."""
        return gr.update(choices=self._choices(visitor_of(request, lab), lab))

    def keep(self, run: Run, session_id: str, lab: Lab, request: gr.Request) -> list[Any]:
        """Add the run to the chosen session, or to a new one. Raises VitrineError."""
        visitor = visitor_of(request, lab)
        session = self._session(run, session_id, visitor, lab)
        session = lab.store.sessions.add_run(session.id, visitor, run.id)
        gr.Success(f"Saved in {html.escape(session.title)}.", duration=_TOAST_SECONDS, title="Saved")
        told = saved_html(session, run, self.playground, origin_of(request))
        menu = gr.update(choices=self._choices(visitor, lab), value=session.id)
        return [gr.update(value=told, visible=True), menu]

    def copy(self, run: Run, lab: Lab, request: gr.Request) -> Run:
        """The run as the visitor's own: itself, or a copy of what a link showed. Raises VitrineError."""
        visitor = visitor_of(request, lab)
        return run if run.visitor == visitor else lab.store.runs.reuse(run, visitor)

    def _choices(self, visitor: str, lab: Lab) -> list[tuple[str, str]]:
        found = lab.store.sessions.list(visitor)[:LATEST]
        return [_NEW, *((session.title, session.id) for session in found)]

    def _session(self, run: Run, session_id: str, visitor: str, lab: Lab) -> Session:
        if session_id:
            try:
                session = lab.store.sessions.get(str(session_id), visitor)
                if session.mine and not session.deleted:
                    return session
            except VitrineError:
                pass  # it was deleted meanwhile: a new one takes its place
        return lab.store.sessions.create(visitor, self.title_of(run, lab.store.runs.outputs(run.id, visitor)))


def saved_html(session: Session, run: Run, playground: str, origin: str) -> str:
    """Where it was saved, the link with its copy button, and the way to the session."""
    count = len(session.runs)
    size = "1 result" if count == 1 else f"{count} results"
    who = (
        "Whoever has the link can see it, not change it."
        if session.link
        else "Its link was withdrawn: only you see it."
    )
    link = f"{origin}/{playground}?{urlencode({'session': session.address, 'run': run.id})}"
    page = f"/sessions?{urlencode({'session': session.address})}"
    return (
        f'<p role="status">Saved in <b>{html.escape(session.title)}</b> ({size}). {who}</p>'
        f'<div class="vt-link"><input readonly aria-label="Link to this result" value="{html.escape(link)}">'
        f'<button type="button" data-copy="{html.escape(link)}">Copy link</button>'
        f'<a href="{html.escape(page)}" target="_parent">Open session</a></div>'
    )
