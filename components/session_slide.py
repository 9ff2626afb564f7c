"""What a result's slide says: title, note, what only the speaker sees, and whether its sliders can be moved there."""

from __future__ import annotations

import streamlit as st

from backends.core.errors import VitrineError
from backends.store.texts import TITLE_MAX
from backends.store.values import Item, Session
from components.chrome import owner
from components.lab import current
from components.session_edit import edit_markdown, follow
from components.toasts import toast_next, toast_refusal


def edit_slide(session: Session, item: Item) -> None:
    """The note as it reads, and the rest folded."""
    run_id = item.run.id

    def keep_note(text: str) -> None:
        current().store.sessions.annotate(session.id, owner(), run_id, note=text)

    def keep_speaker(text: str) -> None:
        current().store.sessions.annotate(session.id, owner(), run_id, speaker=text)

    edit_markdown(f"vt-note-{session.id}-{run_id}", "note", item.note, keep_note)
    told = st.expander("Title and slide", key=f"vt-slide-{run_id}", on_change="rerun")
    if not told.open:  # its fields are drawn when they are asked for: fifty of each would take a second
        return
    with told:
        key = follow(f"vt-slide-title-{session.id}-{run_id}", item.title)
        st.text_input(
            "Title of the slide",
            key=key,
            max_chars=TITLE_MAX,
            placeholder="The usual title",
            on_change=_save,
            args=(session, run_id, "title", key),
        )
        edit_markdown(f"vt-speaker-{session.id}-{run_id}", "speaker note", item.speaker, keep_speaker)
        st.html('<p class="vt-muted">A speaker note is seen by you alone, while you present.</p>')
        key = follow(f"vt-live-{session.id}-{run_id}", item.live)
        st.toggle("Live sliders on its slide", key=key, on_change=_save, args=(session, run_id, "live", key))


def _save(session: Session, run_id: str, field: str, key: str) -> None:
    try:
        current().store.sessions.annotate(session.id, owner(), run_id, **{field: st.session_state[key]})
    except VitrineError as err:
        toast_refusal(err)
        st.session_state.pop(f"{key}-seen", None)  # the field shows again what is stored
        return
    toast_next("Saved.")
