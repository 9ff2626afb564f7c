"""What the address of a playground's page names: a stored run, by a link or as the visitor's own.

The page itself (components/playground.py) and its first sight (components/first_sight.py) open it by these rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backends.core.errors import NotFound
from backends.runtime.lab import Lab
from backends.store.values import Run, Session


@dataclass(frozen=True)
class Linked:
    """A stored run, and the session that it was opened from; none for a run of the visitor's own."""

    run: Run
    session: Session | None


def linked(lab: Lab, query: Mapping[str, str], visitor: str) -> Linked | None:
    """What the address opens for this visitor; None where it names nothing. Raises NotFound, LinkClosed.

    Without a session the run must be the visitor's own: recent runs lead here.
    """
    link, run_id = query.get("session", ""), query.get("run", "")
    if not link and not run_id:
        return None
    if not link:
        return Linked(lab.store.runs.get(run_id, visitor), None)
    session = lab.store.sessions.open(link, visitor)
    return Linked(_chosen(session, run_id), session)


def origin_words(session: Session, run: Run) -> str:
    """What is said beside the session's title: when it was computed, and whose it is."""
    when = run.finished.strftime("%d %b %Y, %H:%M UTC") if run.finished else ""
    whose = "you saved it" if session.mine else "read-only; what you change here is your own copy"
    return f"Exactly as computed on {when} ({whose})."


def _chosen(session: Session, run_id: str) -> Run:
    for run in session.runs:
        if run.id == run_id or not run_id:
            return run
    raise NotFound("This link names a result that is no longer in the session.", hint="Open the session instead.")
