"""What the HTTP API answers with, as typed models: the source of the response schemas in /api/openapi.json."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from backends.store.values import Item, Link, Run, Session


class OutputView(BaseModel):
    """One result of a run. url: where its bytes are. meta: its title and other small data."""

    name: str
    kind: str
    media_type: str
    bytes: int
    digest: str
    meta: dict[str, Any]
    url: str


class RunView(BaseModel):
    """One execution of an experiment."""

    id: str
    state: str = Field(description="queued, running, done, cancelled, failed or interrupted")
    fraction: float = Field(description="how much is done, from 0 to 1")
    sentence: str
    experiment: dict[str, Any]
    experiment_digest: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: dict[str, str] | None
    reference: str = Field(description="the id under which the server's logs tell more")
    provenance: dict[str, Any]
    saved: bool
    outputs: list[OutputView]

    @classmethod
    def of(cls, run: Run) -> RunView:
        """The run, without its owner."""
        outputs = [
            OutputView(
                name=output.name,
                kind=output.kind,
                media_type=output.media_type,
                bytes=output.bytes,
                digest=output.digest,
                meta=dict(output.meta),
                url=f"/api/runs/{run.id}/outputs/{quote(output.name, safe='')}",
            )
            for output in run.outputs
        ]
        return cls(
            id=run.id,
            state=run.state,
            fraction=run.fraction,
            sentence=run.sentence,
            experiment=run.experiment.as_dict(),
            experiment_digest=run.experiment.digest,
            created=run.created,
            started=run.started,
            finished=run.finished,
            error=run.error,
            reference=run.reference,
            provenance=dict(run.provenance),
            saved=run.saved,
            outputs=outputs,
        )


class LinkView(BaseModel):
    """A share link; GET /api/links/{id} opens it."""

    id: str
    created: datetime
    expires: datetime | None = Field(description="null for no end")
    revoked: datetime | None = Field(description="when its owner withdrew it")

    @classmethod
    def of(cls, link: Link) -> LinkView:
        """The link, whole: it is shown to the owner of its session only."""
        return cls(id=link.id, created=link.created, expires=link.expires, revoked=link.revoked)


class ItemView(BaseModel):
    """What a run's slide says."""

    run_id: str
    title: str = Field(description="empty for the usual one")
    note: str = Field(description="Markdown")
    speaker: str = Field(description="Markdown, for the owner only; empty to others")
    live: bool = Field(description="whether the slide has live controls")

    @classmethod
    def of(cls, item: Item) -> ItemView:
        """The slide, without the run itself."""
        return cls(run_id=item.run.id, title=item.title, note=item.note, speaker=item.speaker, live=item.live)


class SessionView(BaseModel):
    """A titled, ordered set of runs."""

    id: str = Field(description="for its owner; empty to others")
    link: str = Field(description="opens it for reading: the newest that is open, or the one the reader came by")
    title: str
    notes: str = Field(description="Markdown")
    tags: list[str]
    created: datetime
    updated: datetime
    mine: bool
    items: list[ItemView] = Field(description="one for each of the runs, in their order")
    runs: list[RunView]
    links: list[LinkView] = Field(description="all of them, newest first, also closed ones; for the owner only")

    @classmethod
    def of(cls, session: Session) -> SessionView:
        """The session; a reader who does not own it is not told its id."""
        return cls(
            id=session.id if session.mine else "",
            link=session.link,
            title=session.title,
            notes=session.notes,
            tags=list(session.tags),
            created=session.created,
            updated=session.updated,
            mine=session.mine,
            items=[ItemView.of(item) for item in session.items],
            runs=[RunView.of(run) for run in session.runs],
            links=[LinkView.of(link) for link in session.links],
        )


class InputView(BaseModel):
    """An uploaded input: what to give as the parameter's value, and control positions that suit it."""

    digest: str
    bytes: int
    suggestions: dict[str, dict[str, Any]]


class ErrorBody(BaseModel):
    """What every error says."""

    code: str = Field(description="one word for programs")
    message: str = Field(description="one sentence: what was wrong")
    hint: str = Field(description="one sentence: what to do")
    field: str = Field(description="the parameter it is about, or empty")
    reference: str = Field(description="the id under which the server's logs tell more")


class ErrorView(BaseModel):
    """The one shape of every error."""

    error: ErrorBody
