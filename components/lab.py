"""The lab that this process serves: the app installs it once at the start; pages and playgrounds read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backends.runtime.lab import Lab

_installed: list[Lab] = []  # none or one; a list, so that no `global` is needed


def install(lab: Lab) -> None:
    """Make `lab` the one that `current` returns, in place of any before it."""
    _installed[:] = [lab]


def current() -> Lab:
    """The installed lab. Raises RuntimeError when the server was not started through `python -m app serve`."""
    if not _installed:
        raise RuntimeError("no lab is installed; start Vitrine with `python -m app serve`")
    return _installed[0]
