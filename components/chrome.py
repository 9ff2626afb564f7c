"""What every page of the shell has: the tokens as CSS, the wordmark, the theme switch, and who is visiting."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from components.lab import current
from components.theme.shell import both_modes, shell_css
from components.theme.toggle import theme_toggle

_BRAND = Path(__file__).parent.parent / "assets" / "brand"
_PAGES = "vt-pages"  # session state: address -> page, so that pages can lead to one another
GUEST = "guest"  # where cookies are refused: someone who can look, but owns nothing


def show_chrome(pages: Iterable[StreamlitPage]) -> None:
    """Draw it. pages: all entries of the navigation."""
    found = {page.url_path: page for page in pages}
    st.session_state[_PAGES] = found
    st.html(_style())
    st.logo(str(_BRAND / "wordmark.svg"), icon_image=str(_BRAND / "wordmark.svg"), size="large")
    with st.container(key="vt-chrome"):
        theme_toggle([f"/{address}" for address in found])


def page_at(address: str) -> StreamlitPage:
    """The page of that address ('sessions'; '' is Home). Raises KeyError."""
    pages: dict[str, StreamlitPage] = st.session_state[_PAGES]
    return pages[address]


def visitor() -> str:
    """Who is visiting, from the signed cookie that the server gives with the page; `GUEST` where there is none."""
    return current().identity.read(st.context.cookies) or GUEST


def origin() -> str:
    """Scheme, host and port of the page as the visitor sees it: 'https://lab.example.org'."""
    url = st.context.url or ""
    return "/".join(url.split("/")[:3])


@cache
def _style() -> str:
    return f"<style>{both_modes()}\n{shell_css()}</style>"
