"""Taking back: a bar that stays until it is used or its time is over. Deleting and removing ask nothing beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import streamlit as st

from backends.store.values import UNDO, Item, Session
from components.chrome import owner
from components.lab import current
from components.toasts import telling, toast_next

_REMOVED = "vt-removed"  # session state: what was taken out of sessions in this tab
_DISMISSED = "vt-dismissed"  # session state: keys of bars that were closed by hand


@dataclass(frozen=True)
class Removed:
    """A run that was taken out of a session. order: the runs' ids before that. when: UTC."""

    session: Session
    item: Item
    order: tuple[str, ...]
    when: datetime


def show_undo(deleted: Sequence[Session]) -> None:
    """The bar for the latest act that can be taken back; nothing when there is none. deleted: `sessions.deleted`."""
    now = datetime.now(UTC)
    dismissed = st.session_state.get(_DISMISSED, set())
    found = [one for one in _acts(deleted) if now - one[1] < UNDO and one[0] not in dismissed]
    if not found:
        return
    key, when, act = max(found, key=lambda one: one[1])
    left = (UNDO - (now - when)).total_seconds()
    with st.container(key="vt-undo", horizontal=True, vertical_alignment="center", wrap=False):
        # It goes by itself when its time is over, also on a page that nobody touches meanwhile.
        leave = f"<style>.st-key-vt-undo {{ animation: vt-leave 1s {left:.0f}s forwards; }}</style>"
        st.html(f'{leave}<p role="status">{escape(_said(act))}</p>')
        st.button("Undo", key=f"undo-{key}", on_click=_undo, args=(act,))
        st.button("Close", key=f"close-{key}", type="tertiary", on_click=_dismiss, args=(key,))


def delete_session(session: Session) -> None:
    """Put a session away, for a callback; the bar offers it back."""
    with telling():
        current().store.sessions.delete(session.id, owner())


def restore_session(session: Session) -> None:
    """Bring a session back with its links, for a callback."""
    with telling():
        current().store.sessions.restore(session.id, owner())
        toast_next(f"\u201c{session.title}\u201d is back, and so are its links.")


def erase_session(session: Session) -> None:
    """Delete a session for good, for a callback."""
    with telling():
        current().store.sessions.erase(session.id, owner())
        toast_next(f"\u201c{session.title}\u201d was deleted for good.")


def remove_run(session: Session, item: Item) -> None:
    """Take a run out of a session, for a callback; the bar offers it back with its texts and its place."""
    with telling():
        current().store.sessions.remove_run(session.id, owner(), item.run.id)
        act = Removed(session, item, tuple(run.id for run in session.runs), datetime.now(UTC))
        st.session_state.setdefault(_REMOVED, []).append(act)


def put_back(act: Removed) -> None:
    """Put a removed run where it was, with its texts. Raises VitrineError when session or run are gone."""
    sessions, me = current().store.sessions, owner()
    item, run_id = act.item, act.item.run.id
    sessions.add_run(act.session.id, me, run_id)
    found = sessions.annotate(
        act.session.id, me, run_id, title=item.title, note=item.note, speaker=item.speaker, live=item.live
    )
    sessions.order(act.session.id, me, order_with(act.order, [run.id for run in found.runs], run_id))


def order_with(before: Sequence[str], now: Sequence[str], back: str) -> list[str]:
    """Today's order with `back` behind the nearest run that stood before it and is still there."""
    rest = [run_id for run_id in now if run_id != back]
    ahead = [run_id for run_id in before[: before.index(back)] if run_id in rest]
    place = rest.index(ahead[-1]) + 1 if ahead else 0
    return [*rest[:place], back, *rest[place:]]


def _acts(deleted: Sequence[Session]) -> Iterator[tuple[str, datetime, Session | Removed]]:
    for session in deleted:
        if session.deleted:
            yield f"{session.id}-{session.deleted.timestamp():.0f}", session.deleted, session
    for act in st.session_state.get(_REMOVED, []):
        yield f"{act.item.run.id}-{act.when.timestamp():.0f}", act.when, act


def _said(act: Session | Removed) -> str:
    if isinstance(act, Removed):
        return "The result was removed. It stays among your recent runs for a while."
    return f"\u201c{act.title}\u201d was deleted, and its links are closed."


def _undo(act: Session | Removed) -> None:
    if isinstance(act, Session):
        restore_session(act)
        return
    with telling():
        put_back(act)
        st.session_state[_REMOVED].remove(act)
        toast_next("The result is back where it was.")


def _dismiss(key: str) -> None:
    st.session_state.setdefault(_DISMISSED, set()).add(key)
