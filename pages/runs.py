"""Runs: what of one's own is running, waiting, done or failed, and the server's queue."""

from __future__ import annotations

from backends.core.errors import VitrineError
from components.pieces import refuse
from components.run_list import show_runs_page

try:
    show_runs_page()
except VitrineError as _err:
    refuse(_err)
