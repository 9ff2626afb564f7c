"""The lab: all parts put together, as one value that pages and playgrounds are handed. Wired by the app."""

from __future__ import annotations

from dataclasses import dataclass

from backends.core.action import Action
from backends.core.errors import ModelError, NotFound
from backends.core.experiment import Experiment
from backends.core.identity import Identity
from backends.core.limits import Limits
from backends.core.playground import Actions
from backends.registry.catalogue import Catalogue
from backends.registry.registry import Registry
from backends.runtime.executor import Runtime
from backends.store.store import Store


@dataclass(frozen=True)
class Lab:
    """Everything a page needs. version: Vitrine's own, under which results are cached."""

    actions: Actions
    catalogue: Catalogue
    registry: Registry
    store: Store
    runtime: Runtime
    identity: Identity
    limits: Limits
    version: str

    def experiment(self, action: Action, seed: int = 0) -> Experiment:
        """The action as an experiment with the models' revisions as they are here.

        Raises NotFound or ModelError beside the parameter that names the model.
        """
        revisions = {}
        for name, model in action.models().items():
            try:
                revisions[model] = self.registry.revision(model)
            except (NotFound, ModelError) as err:
                err.field = err.field or name.partition(".")[0]  # '<list>.<place>' in a sweep
                raise
        return action.experiment(seed=seed, revisions=revisions)
