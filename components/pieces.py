"""Small pieces of the shell's pages: headings, notes, chips, facts, budget bars. All text that comes in is escaped.

Markdown that people write (notes) becomes HTML here: no HTML of theirs, no pictures from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape

import streamlit as st
from markdown_it import MarkdownIt
from streamlit.navigation.page import StreamlitPage

from backends.core.errors import VitrineError

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")  # one could tell who reads
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&@^=])")


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


def show_end() -> None:
    """Mark the end of a page: once this is there, so is all before it (components/theme/first.js)."""
    st.html('<i class="vt-end"></i>')


def nothing_yet(title: str, sentence: str, leads_to: StreamlitPage | None = None, label: str = "") -> None:
    """An empty place: what would be here, how it gets here, and the page where that is done.

    label: of the link; 'Open <page>' where it is empty.
    """
    with st.container(key="vt-nothing"):
        st.html(f'<div class="vt-nothing"><h2>{escape(title)}</h2><p>{escape(sentence)}</p></div>')
        if leads_to:
            with st.container(key="vt-open-first", width="content"):
                st.page_link(leads_to, label=label or f"Open {leads_to.title}")


def nothing_found(sentence: str, button: str, reset: Callable[[], None]) -> None:
    """Nothing fits what was searched for: the sentence, and a button that shows everything again."""
    with st.container(key="vt-nothing"):
        st.html(f'<div class="vt-nothing"><p>{escape(sentence)}</p></div>')
        st.button(button, key="vt-reset", on_click=reset)


def notes_html(markdown: str) -> str:
    """Notes as HTML: CommonMark and tables, headings below the page's own, no HTML and no pictures of the writer's."""
    tokens = _MARKDOWN.parse(markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    return f'<div class="vt-text vt-notes">{_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})}</div>'


def plain(text: str) -> str:
    """Text for a label or a toast, which Streamlit reads as Markdown: shown as it was written, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


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
