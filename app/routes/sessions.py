"""/api/sessions: a visitor's saved work, and what others open by its link."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from app.views import SessionView
from app.visiting import visitor_of
from backends.runtime.lab import Lab

_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Notes = Annotated[str, StringConstraints(max_length=20_000)]
_Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class NewSession(BaseModel):
    """What a session starts with."""

    model_config = ConfigDict(extra="forbid")
    title: _Title
    notes: _Notes = ""


class NewTitle(BaseModel):
    """What a session is called from now on."""

    model_config = ConfigDict(extra="forbid")
    title: _Title


class AddedRun(BaseModel):
    """A run to put at the end of a session."""

    model_config = ConfigDict(extra="forbid")
    run_id: _Id


def router(lab: Lab) -> APIRouter:
    """The addresses about sessions."""
    routes = APIRouter(tags=["sessions"])
    sessions = lab.store.sessions

    @routes.get("/sessions")
    def list_sessions(request: Request) -> list[SessionView]:
        """The visitor's sessions."""
        return [SessionView.of(session) for session in sessions.list(visitor_of(request))]

    @routes.post("/sessions", status_code=201)
    def create_session(body: NewSession, request: Request) -> SessionView:
        """A new, empty session."""
        return SessionView.of(sessions.create(visitor_of(request), body.title, body.notes))

    @routes.get("/sessions/{session_id}")
    def get_session(session_id: str, request: Request) -> SessionView:
        """One of the visitor's sessions."""
        return SessionView.of(sessions.get(session_id, visitor_of(request)))

    @routes.patch("/sessions/{session_id}")
    def rename_session(session_id: str, body: NewTitle, request: Request) -> SessionView:
        """Call it something else."""
        visitor = visitor_of(request)
        sessions.change(session_id, visitor, title=body.title)
        return SessionView.of(sessions.get(session_id, visitor))

    @routes.delete("/sessions/{session_id}", status_code=204)
    def delete_session(session_id: str, request: Request) -> None:
        """Delete it; its runs expire like others that are not saved."""
        sessions.delete(session_id, visitor_of(request))

    @routes.post("/sessions/{session_id}/runs")
    def add_run(session_id: str, body: AddedRun, request: Request) -> SessionView:
        """Save a run in it."""
        visitor = visitor_of(request)
        sessions.add_run(session_id, visitor, body.run_id)
        return SessionView.of(sessions.get(session_id, visitor))

    @routes.get("/links/{link}")
    def open_link(link: str, request: Request) -> SessionView:
        """A session by the link its owner gave; read-only, with its runs and their results."""
        return SessionView.of(sessions.open(link, visitor_of(request)))

    @routes.delete("/visitor", status_code=204)
    def forget_everything(request: Request) -> None:
        """Erase everything the visitor has here, at once."""
        lab.store.visitors.forget(visitor_of(request))

    return routes
