"""Compare: two to four results of one kind side by side, by `?runs=ID,ID`, through `&session=LINK` where shared."""

from __future__ import annotations

import streamlit as st

from components.compare.page import show_compare

show_compare(st.query_params.get("runs", ""), st.query_params.get("session", ""))
