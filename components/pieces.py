"""Small pieces of the shell's pages: headings, notes, chips, facts, budget bars. All text that comes in is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from backends.core.errors import VitrineError


def heading(title: str, lead: str = "") -> None:
    """A page's title and one or two sentences."""
    body = f'<p class="vt-lead">{escape(lead)}</p>' if lead else ""
    st.html(f'<div class="vt-page"><h1>{escape(title)}</h1>{body}</div>')


def section(title: str, note: str = "") -> None:
    """A section's title."""
    body = f'<p class="vt-muted">{escape(note)}</p>' if note else ""
    st.html(f'<div class="vt-section"><h2>{escape(title)}</h2>{body}</div>')


def say(sentence: str, *, care: bool = False) -> None:
    """A quiet note, or one that needs care."""
    kind, role = ("vt-say vt-care", "alert") if care else ("vt-say", "status")
    st.html(f'<p class="{kind}" role="{role}">{escape(sentence)}</p>')


def refuse(err: VitrineError) -> None:
    """What was wrong and what to do."""
    say(f"{err.sentence} {err.hint}".strip(), care=True)


def nothing_yet(title: str, sentence: str, leads_to: StreamlitPage | None = None) -> None:
    """An empty place: what would be here, how it gets here, and the page where that is done."""
    with st.container(key="vt-nothing"):
        st.html(f'<div class="vt-nothing"><h2>{escape(title)}</h2><p>{escape(sentence)}</p></div>')
        if leads_to:
            with st.container(key="vt-open-first", width="content"):
                st.page_link(leads_to, label=f"Open {leads_to.title}")


def chip(text: str, kind: str = "") -> str:
    """A small label as HTML. kind: '', 'on' (selected, present) or 'care' (needs care)."""
    return f'<span class="vt-chip{f" vt-{kind}" if kind else ""}">{escape(text)}</span>'


def facts(pairs: Mapping[str, str]) -> str:
    """Names and values as HTML."""
    return (
        '<dl class="vt-facts">'
        + "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs.items())
        + "</dl>"
    )


def bar(parts: Sequence[tuple[float, str]], label: str) -> str:
    """A budget bar as HTML. parts: (fraction in [0, 1], class or ''). label: the same in words."""
    filled = "".join(f'<i class="{kind}" style="width:{100 * min(1, max(0, part)):.2f}%"></i>' for part, kind in parts)
    return f'<div class="vt-bar" role="img" aria-label="{escape(label)}">{filled}</div>'


def copy_button(text: str, label: str, key: str) -> None:
    """A button that puts `text` on the clipboard and says so."""
    _copier()(key=key, data={"text": text, "label": label}, width="content", height="content")


@cache
def _copier() -> Any:
    return st.components.v2.component(
        "vitrine_copy",
        html='<button type="button" class="vt-copy"></button>',
        css=_COPY_CSS,
        js=_COPY_JS,
        isolate_styles=False,
    )


_COPY_CSS = """
.vt-copy {
  min-height: 2.5rem; padding: 0.25rem 0.75rem; border: 1px solid var(--vt-line); cursor: pointer;
  border-radius: var(--vt-radius-medium); background: transparent; color: var(--vt-ink);
  font: inherit; font-size: var(--vt-text-small);
}
.vt-copy:hover { border-color: var(--vt-accent); color: var(--vt-accent); }
"""
_COPY_JS = """
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector(".vt-copy");
  button.textContent = data.label;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(data.text);
      button.textContent = "Copied";
    } catch {
      window.prompt("Copy this link", data.text); // the clipboard is closed to pages without HTTPS
    }
    setTimeout(() => { button.textContent = data.label; }, 1600);
  };
}
"""
