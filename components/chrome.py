"""What every page of the shell has: tokens as CSS, wordmark, theme switch, help, toasts, and who is visiting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from backends.core.errors import BadInput
from backends.core.identity import guest
from components.keys_help import keys_help
from components.lab import current
from components.theme.shell import both_modes, shell_css
from components.theme.toggle import theme_toggle
from components.toasts import show_waiting_toasts

_BRAND = Path(__file__).parent.parent / "assets" / "brand"
_PAGES = "vt-pages"  # session state: address -> page, so that pages can lead to one another


def show_chrome(pages: Iterable[StreamlitPage]) -> None:
    """Draw it. pages: all entries of the navigation."""
    found = {page.url_path: page for page in pages}
    st.session_state[_PAGES] = found
    st.html(_style())
    st.logo(str(_BRAND / "wordmark.svg"), icon_image=str(_BRAND / "wordmark.svg"), size="large")
    with st.container(key="vt-chrome"):
        keys_help()
        theme_toggle([f"/{address}" for address in found])
    show_waiting_toasts()


def page_at(address: str) -> StreamlitPage:
    """The page of that address ('sessions'; '' is Home). Raises KeyError."""
    pages: dict[str, StreamlitPage] = st.session_state[_PAGES]
    return pages[address]


def visitor() -> str:
    """Who is visiting, from the signed cookie that the server gives with the page.

    Where cookies are refused, someone who can look for as long as the tab is open, and owns nothing.
    """
    context = get_script_run_ctx()
    return current().identity.read(st.context.cookies) or guest(context.session_id if context else "")


def owner() -> str:
    """The same for an act that makes something theirs. Raises BadInput where no cookie says who they are."""
    known = current().identity.read(st.context.cookies)
    if not known:
        raise BadInput(
            "Your browser keeps no cookie for this page, so nothing here can be yours.",
            hint="Allow cookies for it, and reload.",
        )
    return known


def zone() -> tzinfo:
    """The visitor's time zone, as the browser says; UTC where it does not."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def origin() -> str:
    """Scheme, host and port of the page as the visitor sees it: 'https://lab.example.org'."""
    url = st.context.url or ""
    return "/".join(url.split("/")[:3])


@cache
def _style() -> str:
    return f"<style>{both_modes()}\n{shell_css()}</style>"
