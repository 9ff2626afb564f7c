"""/api/sessions: a visitor's saved work, its order, texts and share links, and what others open by a link."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.views import LinkView, SessionView
from app.visiting import visitor_of
from backends.runtime.lab import Lab
from backends.store.sessions import LINK_HOURS_MAX
from backends.store.texts import TAG_MAX, TAGS_MAX, TEXT_MAX, TITLE_MAX

_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_MAX)]
_Text = Annotated[str, StringConstraints(max_length=TEXT_MAX)]
_Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TAG_MAX)]
_Tags = Annotated[list[_Tag], Field(max_length=TAGS_MAX)]
_Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewSession(_Body):
    """What a session starts with."""

    title: _Title
    notes: _Text = Field("", description="Markdown")
    tags: _Tags = []


class SessionChange(_Body):
    """What changes about a session; what is left out stays."""

    title: _Title | None = None
    notes: _Text | None = Field(None, description="Markdown")
    tags: _Tags | None = None


class AddedRun(_Body):
    """A run to put at the end of a session."""

    run_id: _Id


class NewOrder(_Body):
    """The ids of all runs of a session in their new order."""

    run_ids: Annotated[list[_Id], Field(max_length=100_000)]


class ItemChange(_Body):
    """What changes about a run's slide; what is left out stays."""

    title: Annotated[str, StringConstraints(max_length=TITLE_MAX)] | None = None
    note: _Text | None = Field(None, description="Markdown, seen by everyone")
    speaker: _Text | None = Field(None, description="Markdown, for the owner only")
    live: bool | None = Field(None, description="whether the slide has live controls")


class NewLink(_Body):
    """How long a link opens its session."""

    hours: Annotated[float, Field(gt=0, le=LINK_HOURS_MAX)] | None = Field(None, description="no end when left out")


def router(lab: Lab) -> APIRouter:
    """The addresses about sessions. {address}: a link, or the id of one's own session; {session_id}: the id alone."""
    routes = APIRouter(tags=["sessions"])
    _whole(routes, lab)
    _kept_or_not(routes, lab)
    _items(routes, lab)
    _links(routes, lab)
    return routes


def _whole(routes: APIRouter, lab: Lab) -> None:
    sessions = lab.store.sessions

    @routes.get("/sessions")
    def list_sessions(request: Request) -> list[SessionView]:
        """The visitor's sessions, last changed first."""
        return [SessionView.of(session) for session in sessions.list(visitor_of(request))]

    @routes.post("/sessions", status_code=201)
    def create_session(body: NewSession, request: Request) -> SessionView:
        """A new, empty session with one open link."""
        return SessionView.of(sessions.create(visitor_of(request), body.title, body.notes, body.tags))

    @routes.get("/sessions/{address}")
    def get_session(address: str, request: Request) -> SessionView:
        """One of the visitor's sessions by its id, or what a link shows."""
        return SessionView.of(sessions.open(address, visitor_of(request)))

    @routes.patch("/sessions/{session_id}")
    def change_session(session_id: str, body: SessionChange, request: Request) -> SessionView:
        """Change its title, notes or tags."""
        visitor = visitor_of(request)
        changed = sessions.change(session_id, visitor, title=body.title, notes=body.notes, tags=body.tags)
        return SessionView.of(changed)

    @routes.post("/sessions/{address}/duplicate", status_code=201)
    def duplicate_session(address: str, request: Request) -> SessionView:
        """A copy with all its texts; of someone else's with results of the visitor's own."""
        return SessionView.of(sessions.duplicate(address, visitor_of(request)))

    @routes.delete("/visitor", status_code=204)
    def forget_everything(request: Request) -> None:
        """Erase everything the visitor has here, at once."""
        lab.store.visitors.forget(visitor_of(request))


def _kept_or_not(routes: APIRouter, lab: Lab) -> None:
    sessions = lab.store.sessions

    @routes.delete("/sessions/{session_id}", status_code=204)
    def delete_session(session_id: str, request: Request) -> None:
        """Delete it with its links; for ten minutes it can be restored, then it is erased."""
        sessions.delete(session_id, visitor_of(request))

    @routes.post("/sessions/{session_id}/restore")
    def restore_session(session_id: str, request: Request) -> SessionView:
        """Bring back what was deleted; its links open it again."""
        return SessionView.of(sessions.restore(session_id, visitor_of(request)))

    @routes.post("/sessions/{session_id}/erase", status_code=204)
    def erase_session(session_id: str, request: Request) -> None:
        """Erase it at once, deleted or not, with the results that no other session holds; frees their space."""
        sessions.erase(session_id, visitor_of(request))


def _items(routes: APIRouter, lab: Lab) -> None:
    sessions = lab.store.sessions

    @routes.post("/sessions/{session_id}/runs")
    def add_run(session_id: str, body: AddedRun, request: Request) -> SessionView:
        """Save a run in it."""
        return SessionView.of(sessions.add_run(session_id, visitor_of(request), body.run_id))

    @routes.put("/sessions/{session_id}/order")
    def order_runs(session_id: str, body: NewOrder, request: Request) -> SessionView:
        """Put its runs into another order; each must be named once."""
        return SessionView.of(sessions.order(session_id, visitor_of(request), body.run_ids))

    @routes.patch("/sessions/{session_id}/runs/{run_id}")
    def annotate_run(session_id: str, run_id: str, body: ItemChange, request: Request) -> SessionView:
        """Change what a run's slide says."""
        told = body.model_dump(exclude_none=True)
        return SessionView.of(sessions.annotate(session_id, visitor_of(request), run_id, **told))

    @routes.delete("/sessions/{session_id}/runs/{run_id}")
    def remove_run(session_id: str, run_id: str, request: Request) -> SessionView:
        """Take a run out; it expires like others that are not saved."""
        return SessionView.of(sessions.remove_run(session_id, visitor_of(request), run_id))


def _links(routes: APIRouter, lab: Lab) -> None:
    sessions = lab.store.sessions

    @routes.post("/sessions/{session_id}/links", status_code=201)
    def share_session(session_id: str, body: NewLink, request: Request) -> LinkView:
        """A new link by which others can look at the session."""
        return LinkView.of(sessions.share(session_id, visitor_of(request), hours=body.hours))

    @routes.delete("/sessions/{session_id}/links/{link}")
    def revoke_link(session_id: str, link: str, request: Request) -> SessionView:
        """Withdraw a link; who came by it can read nothing more."""
        return SessionView.of(sessions.revoke(session_id, visitor_of(request), link))

    @routes.get("/links/{link}")
    def open_link(link: str, request: Request) -> SessionView:
        """A session by the link its owner gave; read-only, with its runs and their results."""
        return SessionView.of(sessions.open(link, visitor_of(request)))
