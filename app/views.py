"""What the HTTP API answers with, as typed models: the source of the response schemas in /api/openapi.json."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from backends.store.values import Run, Session


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


class SessionView(BaseModel):
    """A titled, ordered set of runs. id: for its owner. link: to share; opens it for reading."""

    id: str
    link: str
    title: str
    notes: str
    created: datetime
    updated: datetime
    mine: bool
    runs: list[RunView]

    @classmethod
    def of(cls, session: Session) -> SessionView:
        """The session; a reader who does not own it is not told its id."""
        return cls(
            id=session.id if session.mine else "",
            link=session.link,
            title=session.title,
            notes=session.notes,
            created=session.created,
            updated=session.updated,
            mine=session.mine,
            runs=[RunView.of(run) for run in session.runs],
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
