"""What a running action says: how far it is, and what it has found."""

from __future__ import annotations

from dataclasses import dataclass

from backends.core.results import Result


@dataclass(frozen=True)
class Progress:
    """fraction: in [0, 1]. sentence: what is being done now, for the user."""

    fraction: float
    sentence: str


@dataclass(frozen=True)
class Output:
    """A result under a name. A later output of the same name replaces the earlier one (streaming)."""

    name: str
    result: Result


Event = Progress | Output
