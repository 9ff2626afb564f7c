"""An experiment is a value: what was asked, with nothing about who asked, when, or how it went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from backends.core.digest import canonical_json, sha256
from backends.core.errors import BadInput, NewerSchema
from backends.core.parameters import Value

SCHEMA = 1  # raised when the canonical form changes; older forms stay readable


@dataclass(frozen=True)
class Experiment:
    """Action, parameters, inputs by content hash, seed, and models by weight digest. Immutable.

    parameters: parameter name -> value, without inputs and models.
    inputs: parameter name -> sha256 of the bytes.
    models: parameter name -> (model id, weight digest).
    seed: in [0, 2**31).
    newer: empty, or the whole document where a newer Vitrine wrote it: it can be shown and passed on, but not run.
    """

    action: str
    parameters: Mapping[str, Value]
    inputs: Mapping[str, str]
    models: Mapping[str, tuple[str, str]]
    seed: int = 0
    newer: str = ""

    def __post_init__(self) -> None:
        for name in ("parameters", "inputs", "models"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        hash(self.digest)  # a value that has no canonical form fails here, not when it is stored

    def __hash__(self) -> int:
        return hash(self.digest)

    def as_dict(self) -> dict[str, Any]:
        """The experiment as plain data."""
        if self.newer:
            told: dict[str, Any] = json.loads(self.newer)
            return told
        return {
            "schema": SCHEMA,
            "action": self.action,
            "parameters": dict(self.parameters),
            "inputs": dict(self.inputs),
            "models": {name: list(pair) for name, pair in self.models.items()},
            "seed": self.seed,
        }

    @property
    def canonical(self) -> bytes:
        """Canonical JSON; equal experiments give equal bytes."""
        return canonical_json(self.as_dict())

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON."""
        return sha256(self.canonical)

    def values(self) -> dict[str, Value]:
        """What the action is built from: parameters, input hashes and model ids by parameter name."""
        return {**self.parameters, **self.inputs, **{name: pair[0] for name, pair in self.models.items()}}

    def check_form(self) -> None:
        """Raises NewerSchema where this Vitrine cannot know all of what the experiment asks for."""
        if self.newer:
            raise NewerSchema(
                f"This experiment was written by a newer Vitrine (this one reads form {SCHEMA}).",
                hint="Its results can be looked at; update Vitrine to run it.",
            )

    @classmethod
    def from_json(cls, data: bytes | str) -> Experiment:
        """Read what `canonical` wrote. Raises BadInput on anything else.

        Of a later form what is known is read, and all of it is kept: see `newer`.
        """
        try:
            raw = json.loads(data)
            if raw["schema"] > SCHEMA:
                return _of_newer(raw)
            return cls(
                action=raw["action"],
                parameters=raw["parameters"],
                inputs=raw["inputs"],
                models={name: (pair[0], pair[1]) for name, pair in raw["models"].items()},
                seed=raw["seed"],
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as err:
            raise BadInput("This is not an experiment that Vitrine wrote.") from err


def _of_newer(raw: dict[str, Any]) -> Experiment:
    """What can be told of a form that we do not know."""
    known = {name: raw[name] if isinstance(raw.get(name), dict) else {} for name in ("parameters", "inputs", "models")}
    plain = {name: value for name, value in known["parameters"].items() if isinstance(value, str | int | float | bool)}
    inputs = {name: value for name, value in known["inputs"].items() if isinstance(value, str)}
    pairs = {name: value for name, value in known["models"].items() if isinstance(value, list) and len(value) >= 2}
    models = {name: (str(pair[0]), str(pair[1])) for name, pair in pairs.items()}
    seed = raw.get("seed")
    action, text = str(raw.get("action", "")), canonical_json(raw).decode()
    return Experiment(action, plain, inputs, models, seed if isinstance(seed, int) else 0, text)
