"""Replay: compute a stored experiment once more, never from the cache, and judge what came of it."""

from __future__ import annotations

from backends.core.errors import BadInput
from backends.experiments.differences import Verdict, differences
from backends.runtime.lab import Lab
from backends.store.values import Run


def replay(lab: Lab, run_id: str, visitor: str) -> Run:
    """Ask for the run's experiment again; the new run is the visitor's own, also where a link let them see the first.

    Raises NotFound (run, input or model), BadInput where it has no result, RevisionChanged, NewerSchema, Busy. The
    stored run stays as it is in any case.
    """
    stored = lab.store.runs.get(run_id, visitor)
    if stored.state != "done":
        raise BadInput("This run has no finished result to compare with.", hint="Run it again instead.")
    return lab.runtime.submit(stored.experiment, visitor, fresh=True)


def verdict(lab: Lab, first_id: str, second_id: str, visitor: str) -> Verdict:
    """How the second run's results differ from the first's. Raises NotFound, ArtifactMissing."""
    runs = lab.store.runs
    first, second = runs.get(first_id, visitor), runs.get(second_id, visitor)
    both = first.state == second.state == "done"
    found = [runs.outputs(run.id, visitor) if both else {} for run in (first, second)]
    return differences(first, second, *found)
