"""Short words after an act: 'Saved', 'Link copied'. They are read out, and go by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from backends.core.errors import VitrineError
from components.pieces import plain

_LATER = "vt-toasts"  # session state: what the next drawing of the page says


def toast(sentence: str, leads_to: str = "", label: str = "Open") -> None:
    """Say it now. leads_to: an address of ours for a link behind the sentence."""
    st.toast(_body(sentence, leads_to, label), duration="long" if leads_to else "short")


def toast_next(sentence: str, leads_to: str = "", label: str = "Open") -> None:
    """Say it when the page is drawn next: for acts that end in another page, or in a callback."""
    st.session_state.setdefault(_LATER, []).append((sentence, leads_to, label))


def toast_refusal(err: VitrineError) -> None:
    """What could not be done and what to do, when the page is drawn next."""
    st.session_state.setdefault(_LATER, []).append(err)


@contextmanager
def telling() -> Iterator[None]:
    """Around an act of the visitor in a callback: what is refused is said when the page is drawn next."""
    try:
        yield
    except VitrineError as err:
        toast_refusal(err)


def show_waiting_toasts() -> None:
    """Say what was put off; every page calls it once."""
    for waiting in st.session_state.pop(_LATER, []):
        if isinstance(waiting, VitrineError):
            st.toast(plain(f"{waiting.sentence} {waiting.hint}"), icon=":material/error:", duration="long")
        else:
            toast(*waiting)


def _body(sentence: str, leads_to: str, label: str) -> str:
    link = f" [{plain(label)}]({leads_to})" if leads_to else ""
    return plain(sentence) + link
