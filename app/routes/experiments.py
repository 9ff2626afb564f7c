"""Replay and comparison: compute a stored run once more and say what differs; lay two to four runs side by side."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from app.routes.playgrounds import LONGEST_WAIT
from app.views import RunView
from app.visiting import visitor_of
from app.watching import Watchers
from backends.core.encoding import png
from backends.core.errors import BadInput, NotFound
from backends.core.results import Image, Number
from backends.experiments.arrays import grey_levels
from backends.experiments.changes import Row
from backends.experiments.compare import Compared, Comparison, compare, read_result
from backends.experiments.differences import Verdict
from backends.experiments.replay import replay, verdict
from backends.runtime.lab import Lab

_Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the run's end.")]
_Runs = Annotated[
    str, Query(max_length=200, description="Two to four run ids with commas between; changes are from the first.")
]
_Link = Annotated[str, Query(max_length=64, description="The link of a session by which the runs may be read.")]


class OutputChangeView(BaseModel):
    """How one result of the second run differs from the first's. figures: max_abs, mean_abs, share, max_rel, ..."""

    name: str
    title: str
    kind: str
    change: Literal["identical", "equal", "different", "missing", "added"]
    sentence: str
    figures: dict[str, float]


class CircumstanceView(BaseModel):
    """Something around the runs that was not the same. explains: whether it can change the last digits of results."""

    title: str
    first: str
    second: str
    explains: bool


class VerdictView(BaseModel):
    """What came of comparing a second run with a first."""

    same: bool = Field(description="whether all values are equal")
    sentence: str
    outputs: list[OutputChangeView]
    circumstances: list[CircumstanceView]

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictView:
        """The verdict as it is answered."""
        outputs = [
            OutputChangeView(
                name=item.name,
                title=item.title,
                kind=item.kind,
                change=item.change,
                sentence=item.sentence,
                figures=dict(item.figures),
            )
            for item in verdict.outputs
        ]
        around = [
            CircumstanceView(title=item.title, first=item.first, second=item.second, explains=item.explains)
            for item in verdict.circumstances
        ]
        return cls(same=verdict.same, sentence=verdict.sentence, outputs=outputs, circumstances=around)


class ReplayView(BaseModel):
    """The new run, and once it has ended, how its results compare with the stored ones."""

    run: RunView
    verdict: VerdictView | None = Field(description="null until the run has ended; then see /api/compare")


class SettingView(BaseModel):
    """One setting in all runs. values: one a run; of an input its sha256, of a model its id."""

    name: str
    title: str
    unit: str
    kind: str
    values: list[str | int | float | bool | None]
    revisions: list[str] = Field(description="of a model: the digest of its weights in each run")


class ChangeView(BaseModel):
    """A change from the first run's value. low, high: its interval, by the normal approximation."""

    absolute: float
    relative: float | None
    low: float | None
    high: float | None


class RowView(BaseModel):
    """A number, or a cell of a table, in all runs. changes: of each run after the first."""

    name: str
    column: str
    unit: str
    values: list[str | int | float | bool | None]
    intervals: list[tuple[float, float] | None]
    changes: list[ChangeView | None]

    @classmethod
    def of(cls, row: Row) -> RowView:
        """The row as it is answered."""
        changes = [
            None
            if one is None
            else ChangeView(absolute=one.absolute, relative=one.relative, low=one.low, high=one.high)
            for one in row.changes
        ]
        intervals = [_interval(number) for number in row.numbers]
        return cls(
            name=row.name,
            column=row.column,
            unit=row.unit,
            values=list(row.values),
            intervals=intervals,
            changes=changes,
        )


class PieceView(BaseModel):
    """A stretch of text that both have, that only the later one has, or that only the first had."""

    change: Literal["same", "added", "removed"]
    text: str


class ComparedView(BaseModel):
    """One result in all runs. diffs: of a text, the way from the first run's to each later one's."""

    name: str
    title: str
    kind: str
    identical: bool
    digests: list[str | None]
    problems: list[str]
    rows: list[RowView]
    diffs: list[list[PieceView]]

    @classmethod
    def of(cls, output: Compared) -> ComparedView:
        """The result as it is answered."""
        return cls(
            name=output.name,
            title=output.title,
            kind=output.kind,
            identical=output.identical,
            digests=[item.digest if item else None for item in output.stored],
            problems=list(output.problems),
            rows=[RowView.of(row) for row in output.rows],
            diffs=[[PieceView(change=one.change, text=one.text) for one in diff] for diff in output.diffs],
        )


class ComparisonView(BaseModel):
    """Two to four runs side by side. verdicts: of each run after the first, against the first."""

    action: str
    title: str
    runs: list[RunView]
    different: list[SettingView]
    equal: list[SettingView]
    outputs: list[ComparedView]
    verdicts: list[VerdictView]

    @classmethod
    def of(cls, comparison: Comparison) -> ComparisonView:
        """The comparison as it is answered."""
        settings = [
            SettingView(
                name=item.name,
                title=item.title,
                unit=item.unit,
                kind=item.kind,
                values=list(item.values),
                revisions=list(item.revisions),
            )
            for item in comparison.settings
        ]
        same = [item.same for item in comparison.settings]
        return cls(
            action=comparison.action,
            title=comparison.title,
            runs=[RunView.of(run) for run in comparison.runs],
            different=[view for view, equal in zip(settings, same, strict=True) if not equal],
            equal=[view for view, equal in zip(settings, same, strict=True) if equal],
            outputs=[ComparedView.of(output) for output in comparison.outputs],
            verdicts=[VerdictView.of(found) for found in comparison.verdicts],
        )


def router(lab: Lab, watchers: Watchers) -> APIRouter:
    """The addresses about replays and comparisons."""
    routes = APIRouter(tags=["experiments"])

    @routes.post("/runs/{run_id}/replay")
    async def replay_run(run_id: str, request: Request, response: Response, wait: _Wait = 0.0) -> ReplayView:
        """Compute the run's experiment once more, never from the cache, and say what differs. Both runs are kept."""
        visitor = visitor_of(request)
        again = await watchers.wait(await run_in_threadpool(replay, lab, run_id, visitor), visitor, wait)
        response.status_code = 200 if again.ended else 202
        found = await run_in_threadpool(verdict, lab, run_id, again.id, visitor) if again.ended else None
        return ReplayView(run=RunView.of(again), verdict=VerdictView.of(found) if found else None)

    @routes.get("/compare")
    def compare_runs(runs: _Runs, request: Request, session: _Link = "") -> ComparisonView:
        """Two to four runs of the same kind: the settings that differ, and each result against the first run's."""
        visitor = visitor_of(request)
        if session:
            lab.store.sessions.open(session, visitor)
        return ComparisonView.of(compare(lab, _ids(runs), visitor))

    @routes.get("/compare/difference.png", response_class=Response, responses={200: {"content": {"image/png": {}}}})
    def difference(runs: _Runs, output: str, request: Request) -> Response:
        """The absolute difference of two runs' pictures: an 8-bit grey PNG, one grey level a level of difference."""
        pixels = grey_levels(*_pictures(lab, _ids(runs), output, visitor_of(request)))
        return Response(png(pixels), media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    return routes


def _ids(runs: str) -> list[str]:
    return [part.strip() for part in runs.split(",") if part.strip()]


def _pictures(lab: Lab, run_ids: list[str], name: str, visitor: str) -> list[Any]:
    """The pixels of that result in both runs. Raises NotFound, BadInput."""
    if len(run_ids) != 2:
        raise BadInput("A difference has two pictures.", hint="Give two run ids.", field="runs")
    runs = [lab.store.runs.get(run_id, visitor) for run_id in run_ids]
    stored = [item for run in runs for item in run.outputs if item.name == name and item.kind == "image"]
    found = [read_result(lab, item, visitor) for item in stored]
    pixels = [item.pixels for item in found if isinstance(item, Image)]
    if len(pixels) < 2:
        raise NotFound("One of these runs has no picture of that name.", hint="Its results are listed in the run.")
    if pixels[0].shape[:2] != pixels[1].shape[:2]:
        raise BadInput("These pictures have different sizes, so no pixel has a partner.", hint="Look at both.")
    return pixels


def _interval(number: Number | None) -> tuple[float, float] | None:
    if number is None or number.low is None or number.high is None:
        return None
    return number.low, number.high
