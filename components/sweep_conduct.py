"""What happens when a visitor sweeps: events in, updates of the sweep's section out. No layout here.

Updates come in a fixed order: the sentences beside the two axes, the status line, the run's id, the three buttons, then
what is seen: the grid, its lines with the numbers, the two menus of what is shown.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from backends.core.action import Action
from backends.core.encoding import decode
from backends.core.errors import NotFound, VitrineError
from backends.core.events import Output
from backends.core.experiment import Experiment
from backends.core.grids import Place, places, values_at, words_at
from backends.core.measures import measures
from backends.core.results import Grid
from backends.core.sweep import Sweep
from backends.runtime.executor import Final, Produced, Progressed
from backends.runtime.lab import Lab
from backends.store.values import Run
from components import status
from components.conduct import Updates
from components.grid_html import Look, grid_html, lines_html, outputs_of, usual_look, with_names
from components.sweep_sheets import Sheet, Sheets
from components.words import count

NO_MEASURE = ("Nothing", "")
_DRAW_EVERY = 0.34  # seconds between drawings of a growing grid,
_DRAWN_PER_SECOND = 2_500_000  # and characters of it that are sent in a second at most: a browser has to parse them
_RECENT = 24  # how many recent runs are looked at to find a sweep that is still going
SEEN = 4  # places of what is seen


@dataclass(frozen=True)
class SweepConductor:
    """The handlers of one action's sweep on one page."""

    sweep: type[Sweep]
    lab: Lab
    sheets: Sheets = field(default_factory=Sheets)

    @property
    def titles(self) -> dict[str, str]:
        """Output -> its title, as the swept action declares them."""
        return {spec.name: spec.title for spec in self.sweep.base.outputs}

    def run(self, experiment: Experiment, look: Look, visitor: str, tab: str) -> Iterator[Updates]:
        """Submit and follow. Raises what refuses it, before the first update."""
        run = self.lab.runtime.submit(experiment, visitor)
        if run.ended and self._has_problems(run, visitor):
            run = self.lab.runtime.submit(experiment, visitor, fresh=True)  # what failed then may be had now
        yield from self.follow(run, look, visitor, tab, known=run.ended)

    def follow(self, run: Run, look: Look, visitor: str, tab: str, *, known: bool = False) -> Iterator[Updates]:
        """Attach to a sweep, from its beginning to its end. known: it had been computed before."""
        sheet: Sheet | None = None
        menus: Updates = []
        drawn, wait, fresh = 0.0, 0.0, False
        line = status.running("Waiting for its turn", 0.0)
        for event in self.lab.runtime.watch(run.id, visitor):
            match event:
                case Final():
                    line = _ending(event.run, sheet.grid if sheet else None, known=known)
                    yield [*_clear(line, event.run.id, going=False), *self._seen(sheet, menus)]
                    return
                case Produced(result=Grid() as grid):
                    sheet, fresh = self._grown(sheet, grid, look, tab, run.id), True
                case Progressed():
                    line = status.running(event.sentence, event.fraction, event.seconds_left)
            if sheet is not None and time.monotonic() - drawn < wait:
                continue
            seen = self._seen(sheet, menus) if fresh else [gr.skip()] * SEEN
            drawn, fresh = time.monotonic(), False
            wait = max(wait, _DRAW_EVERY, len(str(seen[0])) / _DRAWN_PER_SECOND)
            yield [*_clear(line, run.id, going=True), *seen]

    def going(self, visitor: str) -> Run | None:
        """A sweep of this action that the visitor has waiting or running."""
        for run in self.lab.store.runs.recent(visitor, _RECENT):
            if run.state in ("queued", "running") and run.experiment.action == self.sweep.name:
                return run
        return None

    def stored(self, run: Run, grid: Grid) -> Updates:
        """A stored sweep as it was saved: status line, run id, buttons and what is seen."""
        wanted = run.experiment.parameters
        look = Look("", str(wanted.get("sweep_best", "")), wanted.get("sweep_goal") != "smallest")
        return [
            *_clear(_ending(run, grid, known=False), run.id, going=False),
            *self._seen(Sheet(self._named(grid), look), []),
        ]

    def look(self, run_id: str, look: Look, visitor: str, tab: str) -> Updates:
        """Another output or number was chosen -> grid and lines. Nothing is computed. Raises NotFound."""
        sheet = self.sheet(run_id, visitor, tab)
        sheet.look = look
        return self._seen(sheet, [])[:2]

    def cell(self, run_id: str, told: str, visitor: str, tab: str) -> tuple[Run, Sheet, Place]:
        """What a press on a cell means. told: 'column,row'. Raises NotFound."""
        sheet = self.sheet(run_id, visitor, tab)
        column, _, row = told.partition(",")
        place = (int(column), int(row)) if column.isdecimal() and row.isdecimal() else (-1, -1)
        if place not in sheet.grid.cells:
            raise NotFound("This cell is not computed.", hint="Choose another one.")
        return self.lab.store.runs.get(run_id, visitor), sheet, place

    def sheet(self, run_id: str, visitor: str, tab: str) -> Sheet:
        """The grid on this page, from memory or from the store. Raises NotFound."""
        sheet = self.sheets.get(tab, run_id)
        if sheet is None:
            grid = self.lab.store.runs.outputs(run_id, visitor).get("grid") if run_id else None
            if not isinstance(grid, Grid):
                raise NotFound("This grid is no longer here.", hint="Run the sweep again.")
            sheet = Sheet(self._named(grid), Look())
            self.sheets.put(tab, run_id, sheet)
        return sheet

    def known_measures(self, experiment: Experiment | None, run_id: str, visitor: str, tab: str) -> dict[str, str]:
        """Key -> title of the numbers that the action gives: of a look now where it is live, else of its last run."""
        try:
            if experiment is not None and self.sweep.base.live:
                events = self.lab.runtime.live(experiment, visitor, f"{tab}:{self.sweep.name}")
                results = {event.name: event.result for event in events if isinstance(event, Output)}
            else:
                results = self.lab.store.runs.outputs(run_id, visitor) if run_id else {}
        except VitrineError:
            return {}  # the menu fills once the first cell is there
        return {key: found.title for key, found in measures(results).items()}

    def _has_problems(self, run: Run, visitor: str) -> bool:
        grid = self.lab.store.runs.outputs(run.id, visitor).get("grid")
        return isinstance(grid, Grid) and any(cell.problem for cell in grid.cells.values())

    def _named(self, grid: Grid) -> Grid:
        return with_names(grid, model_titles(self.lab))

    def _grown(self, sheet: Sheet | None, grid: Grid, look: Look, tab: str, run_id: str) -> Sheet:
        if sheet is None:
            sheet = Sheet(grid, look)
        sheet.grid = self._named(grid)
        self.sheets.put(tab, run_id, sheet)
        return sheet

    def _seen(self, sheet: Sheet | None, menus: Updates) -> Updates:
        """Grid, lines, menus. menus: the choices sent last, so that an open menu is left alone; brought up to date."""
        if sheet is None:
            return [gr.skip()] * SEEN
        grid, look = sheet.grid, usual_look(sheet.grid, sheet.look)
        outputs = outputs_of(grid, self.titles)
        numbers = [NO_MEASURE, *((title, key) for key, title in grid.measures.items())]
        shown: Updates = [gr.skip(), gr.skip()]
        if menus != [outputs, numbers, look.output]:
            shown = [
                gr.update(choices=outputs, value=look.output, visible=len(outputs) > 1),
                gr.update(choices=numbers, value=look.measure),
            ]
            menus[:] = [outputs, numbers, look.output]
        return [grid_html(grid, look, sheet.thumbs, pressable=True), lines_html(grid, look.measure), *shown]


def cell_experiment(sweep: type[Sweep], run: Run, grid: Grid, place: Place) -> tuple[Action, Experiment]:
    """The base action of one cell, and its experiment with the models that the sweep was computed with."""
    names = {item.name for item in sweep.base.parameters()}
    values = {name: value for name, value in run.experiment.values().items() if name in names}
    action = sweep.base.parse(values | values_at(grid, place))
    revisions: Mapping[str, str] = dict(run.experiment.models.values())
    return action, action.experiment(seed=run.experiment.seed, revisions=revisions)


def model_titles(lab: Lab) -> dict[str, str]:
    """Model id -> its title, for the heads of a grid."""
    return {card.id: card.title for card in lab.catalogue}


def cell_told(grid: Grid, place: Place) -> str:
    """The status line of the main view while it shows a cell."""
    return status.quiet(f"One cell of the sweep: {words_at(grid, place)}.")


def cell_results(sheet: Sheet, place: Place) -> dict[str, Any]:
    """All results of a cell. Raises ArtifactMissing, and the cell's own problem."""
    cell = sheet.grid.cells[place]
    if cell.problem:
        raise VitrineError(cell.problem)
    return {name: decode(encoded) for name, encoded in cell.results.items()}


def _clear(line: str, run_id: str, *, going: bool) -> Updates:
    """No complaints, the status line, the run's id, and buttons: Run, Stop, Save."""
    buttons = [gr.update(interactive=not going), gr.update(interactive=going), gr.update(interactive=not going)]
    return ["", "", line, run_id, *buttons]


def _ending(run: Run, grid: Grid | None, *, known: bool) -> str:
    """The status line of a sweep that has ended."""
    if run.state == "done" and grid is not None:
        problems = sum(bool(cell.problem) for cell in grid.cells.values())
        could_not = f" {count(problems, 'cell')} could not be computed." if problems else ""
        seconds = run.provenance.get("seconds_running")
        took = f" in {seconds:.2g} s" if isinstance(seconds, int | float) else ""
        told = "Known from before: nothing had to be computed." if known else f"Done{took}."
        return status.done(told + could_not)
    if run.state == "cancelled" and grid is not None and grid.cells:
        told = f"Stopped after {len(grid.cells)} of {len(places(grid))} cells."
        return status.quiet(f"{told} They stay here until you leave; they are not kept.")
    if run.state == "cancelled":
        return status.quiet("Stopped before the first cell.")
    return status.ended(run)
