"""Two to four runs of the same kind, laid side by side: the settings that differ, and each result against the first's.

Runs are called A to D in the order in which they are given; changes are told against A.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from backends.core.encoding import decode
from backends.core.errors import ArtifactMissing, BadInput, NotFound
from backends.core.parameters import Value
from backends.core.playground import Actions
from backends.core.results import Encoded, Kind, Number, Result, Table, Text
from backends.core.sweep import base_of
from backends.experiments.changes import Row, number_rows, table_rows
from backends.experiments.differences import Verdict, differences
from backends.experiments.words import Piece, word_diff
from backends.runtime.lab import Lab
from backends.store.values import Run, StoredOutput

LETTERS = "ABCD"


@dataclass(frozen=True)
class Setting:
    """One setting in all runs. name, title, unit, kind: as declared; 'seed' for the seed.

    values: one a run; of an input its sha256, of a model its id. revisions: of a model its weight digests, else empty.
    """

    name: str
    title: str
    unit: str
    kind: str
    values: tuple[Value, ...]
    revisions: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether all runs have it alike; 1 and 1.0 are alike, 1 and True are not."""
        pairs = list(zip(self.values, self.revisions or self.values, strict=True))
        return all(
            one == other and isinstance(one[0], bool) == isinstance(other[0], bool) for one, other in pairwise(pairs)
        )


@dataclass(frozen=True)
class Compared:
    """One result in all runs.

    stored, results: one a run; None where it has none. problems: why a stored one cannot be shown, or empty.
    rows: numbers against A's. diffs: the way from A's text to each later one's; empty where there is none.
    """

    name: str
    title: str
    kind: Kind
    stored: tuple[StoredOutput | None, ...]
    results: tuple[Result | None, ...]
    problems: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    diffs: tuple[tuple[Piece, ...], ...] = ()

    @property
    def identical(self) -> bool:
        """Whether all runs have it, to the last byte alike."""
        return None not in self.stored and len({item.digest for item in self.stored if item}) == 1


@dataclass(frozen=True)
class Comparison:
    """All of it. settings: all, in the order of the declaration. verdicts: of each run after A, against A."""

    action: str
    title: str
    runs: tuple[Run, ...]
    settings: tuple[Setting, ...]
    outputs: tuple[Compared, ...]
    verdicts: tuple[Verdict, ...]


def compare(lab: Lab, run_ids: Sequence[str], visitor: str) -> Comparison:
    """Compare runs that the visitor may read.

    Raises BadInput (fewer than two, more than four, one twice, of different kinds, without results), NotFound.
    """
    runs = readable(lab, run_ids, visitor)
    found = [_results(lab, run, visitor) for run in runs]
    settings = _settings(lab.actions, runs)
    verdicts = tuple(
        differences(runs[0], run, found[0][0], kept) for run, (kept, _) in zip(runs[1:], found[1:], strict=True)
    )
    names = dict.fromkeys(output.name for run in runs for output in run.outputs)
    outputs = tuple(_compared(lab.actions, name, runs, found) for name in names)
    return Comparison(runs[0].experiment.action, _title(lab.actions, runs[0]), runs, settings, outputs, verdicts)


def readable(lab: Lab, run_ids: Sequence[str], visitor: str) -> tuple[Run, ...]:
    """The runs, if they can be compared. Raises as `compare` does."""
    if not 2 <= len(run_ids) <= len(LETTERS):
        raise BadInput("Two to four runs can be compared.", hint="Choose that many.", field="runs")
    if len(set(run_ids)) < len(run_ids):
        raise BadInput("A run cannot be compared with itself.", hint="Choose each run once.", field="runs")
    runs = tuple(_readable(lab, run_id, letter, visitor) for run_id, letter in zip(run_ids, LETTERS, strict=False))
    actions = dict.fromkeys(run.experiment.action for run in runs)
    if len(actions) > 1:
        kinds = " and ".join(f"'{name}'" for name in actions)
        raise BadInput(f"These runs are of different kinds: {kinds}.", hint="Choose runs of one kind.", field="runs")
    for letter, run in zip(LETTERS, runs, strict=False):
        if not run.outputs:
            why = "has not ended yet" if not run.ended else "ended without a result"
            raise BadInput(f"Run {letter} {why}, so there is nothing to compare.", hint="Choose another.", field="runs")
    return runs


def read_result(lab: Lab, output: StoredOutput, visitor: str) -> Result:
    """One stored result. Raises NotFound unless the visitor may read it; ArtifactMissing."""
    data = lab.store.artifacts.read(output.digest, visitor)
    return decode(Encoded(output.kind, output.media_type, data, output.meta))


def _readable(lab: Lab, run_id: str, letter: str, visitor: str) -> Run:
    try:
        return lab.store.runs.get(run_id, visitor)
    except NotFound as err:
        hint = "It may have expired or been deleted, or it is someone else's: then open it by their link."
        raise NotFound(f"Run {letter} is not there.", hint=hint, field="runs") from err


_Found = tuple[dict[str, Result], dict[str, str]]


def _results(lab: Lab, run: Run, visitor: str) -> _Found:
    """What the run found, and why some of it cannot be shown; one damaged file takes nothing else with it."""
    results: dict[str, Result] = {}
    problems: dict[str, str] = {}
    for item in run.outputs:
        try:
            results[item.name] = read_result(lab, item, visitor)
        except ArtifactMissing as err:
            problems[item.name] = err.sentence
    return results, problems


def _title(actions: Actions, run: Run) -> str:
    try:
        return actions.get(run.experiment.action).title
    except NotFound:
        return run.experiment.action


def _settings(actions: Actions, runs: Sequence[Run]) -> tuple[Setting, ...]:
    experiments = [run.experiment for run in runs]
    try:
        action = actions.get(experiments[0].action)
        declared, seeded = {item.name: item for item in action.parameters()}, base_of(action).seeded
    except NotFound:  # the playground is gone; names and values are still there
        declared, seeded = {}, True
    every = dict.fromkeys([*declared, *(name for one in experiments for name in one.values())])
    found = []
    for name in every:
        known = declared.get(name)
        values = tuple(one.values().get(name) for one in experiments)
        models = any(name in one.models for one in experiments)
        revisions = tuple(one.models[name][1] if name in one.models else "" for one in experiments) if models else ()
        kind = known.kind if known else "model" if models else "image" if name in experiments[0].inputs else "text"
        found.append(
            Setting(name, known.title if known else name, known.unit if known else "", kind, values, revisions)
        )
    seed = Setting("seed", "Seed", "", "seed", tuple(one.seed for one in experiments))
    return (*found, *([seed] if seeded or not seed.same else []))


def _compared(actions: Actions, name: str, runs: Sequence[Run], found: Sequence[_Found]) -> Compared:
    stored = tuple(next((item for item in run.outputs if item.name == name), None) for run in runs)
    results = tuple(kept.get(name) for kept, _ in found)
    first = next(item for item in stored if item)
    problems = tuple(missing.get(name, "") for _, missing in found)
    rows: tuple[Row, ...] = ()
    diffs: tuple[tuple[Piece, ...], ...] = ()
    if any(isinstance(result, Number) for result in results):
        rows = number_rows([result if isinstance(result, Number) else None for result in results])
    if any(isinstance(result, Table) for result in results):
        rows = table_rows([result if isinstance(result, Table) else None for result in results])
    if isinstance(results[0], Text):
        own = results[0].text
        diffs = tuple(word_diff(own, item.text) if isinstance(item, Text) else () for item in results[1:])
    return Compared(
        name, _output_title(actions, runs[0], name, stored), first.kind, stored, results, problems, rows, diffs
    )


def _output_title(actions: Actions, run: Run, name: str, stored: Sequence[StoredOutput | None]) -> str:
    """As declared; else as all runs call it; else its name."""
    try:
        declared: Mapping[str, str] = {spec.name: spec.title for spec in actions.get(run.experiment.action).outputs}
    except NotFound:
        declared = {}
    own = {str(item.meta.get("title", "")) for item in stored if item}
    return declared.get(name) or (own.pop() if len(own) == 1 else "") or name.replace("_", " ").capitalize()
