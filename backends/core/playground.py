"""A playground, as the rest of the house sees it: a name, a few words, and its actions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from backends.core.action import Action
from backends.core.errors import DuplicateAction, NotFound
from backends.core.parameters import Value
from backends.core.sweep import base_of, sweep_of


@dataclass(frozen=True)
class Example:
    """An input that ships, with the settings that go with it.

    source: where it comes from and under which licence. read: its bytes as a user would upload them.
    thumbnail: a PNG of at most 96 x 96. values: parameter values that suit it. synthetic: made by a model of ours.
    """

    id: str
    title: str
    source: str
    read: Callable[[], bytes]
    thumbnail: Callable[[], bytes]
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)
    synthetic: bool = False


@dataclass(frozen=True)
class Playground:
    """What a folder under backends/ offers.

    name: one word, used in addresses. notice: a sentence that must be accepted once before use, or empty.
    keep_hours: how long its uploads are kept when they are not saved; None for the usual time.
    warm_up: what a first visitor would else wait for (a framework's import, a helper process), called once in the
    background after the start.
    examples: inputs that ship, read when first asked for; the playground opens on the first.
    """

    name: str
    title: str
    summary: str
    actions: tuple[type[Action], ...]
    icon: str = "science"
    notice: str = ""
    keep_hours: float | None = None
    warm_up: Callable[[], None] | None = None
    examples: Callable[[], tuple[Example, ...]] = tuple


class Actions:
    """All actions by name, and the sweep of each. Immutable once built; two of one name raise DuplicateAction.

    Iterating gives the declared ones; `derived` the sweeps.
    """

    def __init__(self, playgrounds: Iterable[Playground]) -> None:
        self.playgrounds = tuple(playgrounds)
        found: dict[str, type[Action]] = {}
        for playground in self.playgrounds:
            for action in playground.actions:
                action.parameters()  # an undeclared field fails here, at start-up
                if action.name in found:
                    raise DuplicateAction(
                        f"Two actions are named '{action.name}': {_where(found[action.name])} and {_where(action)}."
                    )
                found[action.name] = action
        sweeps = [sweep_of(action) for action in found.values()]
        self.declared = tuple(found.values())
        self.derived = tuple(sweep for sweep in sweeps if sweep is not None)
        self._home = {action.name: playground for playground in self.playgrounds for action in playground.actions}
        self._by_name: Mapping[str, type[Action]] = MappingProxyType(
            {action.name: action for action in (*self.declared, *self.derived)}
        )

    def __iter__(self) -> Iterator[type[Action]]:
        return iter(self.declared)

    def sweep_of(self, name: str) -> type[Action] | None:
        """The sweep over the action of that name; None where it has nothing to sweep. Raises NotFound."""
        return sweep_of(self.get(name))

    def get(self, name: str) -> type[Action]:
        """The action of that name. Raises NotFound."""
        try:
            return self._by_name[name]
        except KeyError:
            raise NotFound(f"There is no action named '{name[:80]}'.", hint="See the reference page.") from None

    def playground_of(self, name: str) -> Playground:
        """The playground that offers the action of that name. Raises NotFound."""
        return self._home[base_of(self.get(name)).name]


def _where(action: type[Action]) -> str:
    return f"{action.__qualname__} in {inspect.getfile(action)}"
