"""Streamlit's entry script: navigation, look, and who is visiting. It runs again at every click, so it stays small."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from components.chrome import show_chrome
from components.embed import show_playground
from components.lab import current

_ROOT = Path(__file__).parent.parent


def _playground_page(name: str, title: str) -> StreamlitPage:
    """The playground's own file in pages/, or the plain frame."""
    own = _ROOT / "pages" / f"{name}.py"
    plain = partial(show_playground, name)
    plain.__name__ = name  # type: ignore[attr-defined]
    return st.Page(own if own.exists() else plain, title=title, url_path=name)


st.set_page_config(page_title="Vitrine", page_icon=str(_ROOT / "assets/brand/mark.svg"), layout="wide")
_pages = [
    st.Page(_ROOT / "pages/home.py", title="Home", default=True),
    *(_playground_page(playground.name, playground.title) for playground in current().actions.playgrounds),
    st.Page(_ROOT / "pages/runs.py", title="Runs", url_path="runs"),
    st.Page(_ROOT / "pages/sessions.py", title="Sessions", url_path="sessions"),
    st.Page(_ROOT / "pages/compare.py", title="Compare", url_path="compare", visibility="hidden"),
    st.Page(_ROOT / "pages/models.py", title="Models", url_path="models"),
    st.Page(_ROOT / "pages/reference.py", title="Reference", url_path="reference"),
]
_page = st.navigation(_pages, position="top")
show_chrome(_pages)
_page.run()
