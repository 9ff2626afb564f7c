"""Grids that are on somebody's page: held in memory while they grow and are looked at, within a budget.

A grid that has left is read again from the store, if its run had ended well; a stopped one is then gone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from backends.core.grids import Place
from backends.core.results import Grid
from components.grid_html import Look

BUDGET = 256 * 2**20  # bytes of results of all grids held: two of the largest


@dataclass
class Sheet:
    """A grid, how it is looked at, and the small pictures made of it so far."""

    grid: Grid
    look: Look
    thumbs: dict[tuple[Place, str], str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """What its results take."""
        return sum(len(item.data) for cell in self.grid.cells.values() for item in cell.results.values())


class Sheets:
    """The sheets of all pages by (tab, run). The one that was touched longest ago leaves first. Thread-safe."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._held: OrderedDict[tuple[str, str], Sheet] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tab: str, run_id: str) -> Sheet | None:
        """The sheet, if it is still held."""
        with self._lock:
            sheet = self._held.get((tab, run_id))
            if sheet is not None:
                self._held.move_to_end((tab, run_id))
            return sheet

    def put(self, tab: str, run_id: str, sheet: Sheet) -> None:
        """Hold it in place of what the tab had; the newest stays even where it is over the budget by itself."""
        with self._lock:
            for key in [key for key in self._held if key[0] == tab]:
                del self._held[key]
            self._held[tab, run_id] = sheet
            while len(self._held) > 1 and sum(held.bytes for held in self._held.values()) > self._budget:
                self._held.popitem(last=False)
