"""Reference: every action with its parameters, models, results and HTTP call, derived wholly from its declaration."""

from __future__ import annotations

from html import escape

import streamlit as st

from backends.core.action import Action
from backends.core.playground import Playground
from backends.core.results import Table
from backends.core.sweep import sweep_of
from components.chrome import origin
from components.curl import curl_example
from components.lab import current
from components.pieces import chip, heading
from components.reference_tables import models_table, outputs_table, parameters_table
from components.results_html import result_html


def show_playground_reference(playground: Playground) -> None:
    """All actions of a playground."""
    st.html(f'<h2 class="vt-part">{escape(playground.title)}</h2><p class="vt-muted">{escape(playground.summary)}</p>')
    for action in playground.actions:
        with st.container(key=f"vt-card-{action.name.replace('/', '-')}"):
            _action(action)


def _action(action: type[Action]) -> None:
    marks = [chip(action.name)]
    marks += [chip("Live: answers while you move a control", "on")] if action.live else []
    marks += [chip("Takes a seed")] if action.seeded else []
    st.html(f'<h3 class="vt-line">{escape(action.title)} {" ".join(marks)}</h3>')
    st.markdown(action.summary())
    _table("Parameters", parameters_table(action))
    _table("Models", models_table(action, current().catalogue))
    _table("Results", outputs_table(action))
    st.html('<h4 class="vt-result-title">By HTTP</h4>')
    st.code(curl_example(action, origin()), language="bash", wrap_lines=True)
    if sweep := sweep_of(action):
        with st.expander("Sweep"):
            st.write(
                f"`{sweep.name}` computes this for one or two lists of values and gives one grid. "
                "It takes the settings above and these:"
            )
            _table("Parameters", parameters_table(sweep, but=action))
            _table("Results", outputs_table(sweep))
            st.code(curl_example(sweep, origin()), language="bash", wrap_lines=True)


def _table(title: str, table: Table) -> None:
    if table.rows:
        st.html(f'<h4 class="vt-result-title">{title}</h4><div class="vt-scroll">{result_html(table)}</div>')


heading(
    "Reference",
    "Every action, its parameters and its results. This page is written by the actions' own declarations, so it is "
    "what the controls, the checks and the HTTP interface go by.",
)
for _playground in current().actions.playgrounds:
    show_playground_reference(_playground)
st.html('<p class="vt-muted">The whole interface as OpenAPI: <a href="/api/openapi.json">/api/openapi.json</a></p>')
