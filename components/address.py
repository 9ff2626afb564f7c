"""A page's address as the state of one action's controls: `?example=chest-1&opacity=0.8&seed=3`.

It carries what differs from the defaults, or from what the picture itself suggests. Reading it judges nothing: values
stay as they were written until the action has seen them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from backends.core.action import Action
from backends.core.parameters import Parameter, Value
from backends.core.playground import Playground

LENGTH_MAX = 4000  # characters of a query: what every browser, proxy and chat passes on whole
LINK = ("session", "run")  # they open what was saved, and win over the state of controls
SHOWN = ("hide", "bare")  # they change what is shown, never what is computed; theme/playground.js reads them
_OWN = frozenset((*LINK, *SHOWN, "action", "example", "seed"))
TOO_LONG = f"This address has more than {LENGTH_MAX:,} characters, so nothing of it was used."
_ROOM = 400  # characters kept free for `hide` and `bare`


@dataclass(frozen=True)
class Wanted:
    """What an address asks for. values: parameter -> value, or the text of what is none. seed: as it was written.

    examples: image parameter -> example id.
    """

    values: Mapping[str, Value]
    examples: Mapping[str, str]
    seed: str | None


@dataclass(frozen=True)
class Address:
    """Writes and reads the state of one action's controls. verb: empty for the playground's first action."""

    action: type[Action]
    verb: str

    def write(
        self, values: Mapping[str, Value], seed: int, usual: Mapping[str, Value], examples: Mapping[str, str]
    ) -> str:
        """The query for these controls, without '?'; texts that make it too long are left out, the longest first.

        usual: values that the pictures suggest. examples: image parameter -> id, for pictures that are examples.
        """
        pairs = {"action": self.verb} if self.verb else {}
        for parameter in self.action.parameters():
            name, value = parameter.name, values.get(parameter.name, parameter.default)
            if name in examples:
                pairs[self._example_key(name)] = examples[name]
            elif value not in (None, "") and (value != parameter.default or value != usual.get(name, value)):
                pairs[key_of(name)] = _text(value)
            elif value == "" and parameter.default:
                pairs[key_of(name)] = ""
        if seed:
            pairs["seed"] = str(seed)
        while len(urlencode(pairs)) > LENGTH_MAX - _ROOM:
            del pairs[max(pairs, key=lambda key: len(pairs[key]))]
        return urlencode(pairs)

    def read(self, query: Mapping[str, str]) -> Wanted | None:
        """What the address asks of this action; None where it names nothing of it."""
        verb = self.action.name.split("/")[-1]
        if query.get("action", "") not in (self.verb, verb):
            return None
        parameters = self.action.parameters()
        given = {p.name: _value(p, query[key_of(p.name)]) for p in parameters if key_of(p.name) in query}
        keys = {p.name: self._example_key(p.name) for p in parameters if p.kind == "image"}
        examples = {name: query[key] for name, key in keys.items() if key in query}
        seed = query.get("seed")
        return Wanted(given, examples, seed) if given or examples or seed is not None else None

    def _example_key(self, name: str) -> str:
        first = next(p.name for p in self.action.parameters() if p.kind == "image")
        return "example" if name == first else f"example.{name}"


def address_of(playground: Playground, action: type[Action]) -> Address:
    """The address of one action on its playground's page."""
    return Address(action, "" if action is playground.actions[0] else action.name.split("/")[-1])


def passed_on(playground: Playground, query: Mapping[str, str]) -> dict[str, str]:
    """What of a page's address the playground knows; other names are ignored."""
    own = {key_of(p.name) for action in playground.actions for p in action.parameters()} | _OWN
    return {key: value for key, value in query.items() if key in own or key.startswith("example.")}


def too_long(query: Mapping[str, str]) -> bool:
    """Whether an address has more characters than are read; `TOO_LONG` says so."""
    return len(urlencode(query)) > LENGTH_MAX


def key_of(name: str) -> str:
    """The key of a parameter: its name, unless the page itself uses that."""
    return f"p.{name}" if name in _OWN else name


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _value(parameter: Parameter, text: str) -> Value:
    """The value that a text stands for; the text itself where it stands for none, for the action to refuse."""
    try:
        match parameter.kind:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "toggle":
                return {"on": True, "off": False}[text]
            case "choice":
                return _option(parameter.options, text)
            case _:
                return text
    except (ValueError, KeyError):
        return text


def _option(options: Iterable[tuple[str, Value]], text: str) -> Value:
    return next((value for _, value in options if _text(value) == text), text)
