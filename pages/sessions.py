"""Sessions: one's own saved work; `?session=...` opens one of them, or what a link of someone else's shows."""

from __future__ import annotations

import streamlit as st

from backends.core.errors import VitrineError
from components.pieces import refuse, show_end
from components.session_list import show_list
from components.session_page import show_one

_address = st.query_params.get("session", "")
try:
    show_one(_address) if _address else show_list()
except VitrineError as _err:
    refuse(_err)
show_end()
