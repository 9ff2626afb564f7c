"""Home: what this is, a card with a live picture for each playground, one's own latest work, and what runs offline."""

from __future__ import annotations

from html import escape

import streamlit as st

from backends.core.action import Action
from backends.core.errors import VitrineError
from backends.core.playground import Playground
from backends.registry.catalogue import Hub, ModelCard
from components.chrome import page_at, visitor
from components.lab import current
from components.pieces import chip, facts, refuse, section
from components.run_words import NO_THUMBNAIL, thumbnail
from components.showcase import showcase
from components.words import byte_size, count, time_ago

LATEST = 4  # sessions shown; all of them are on their own page
FIRST_LOOKS_SECONDS = 1.0  # how often a card looks for its picture while that is being computed


def show_playgrounds() -> None:
    """A card each: one is wide, several stand in two columns."""
    playgrounds = current().actions.playgrounds
    if len(playgrounds) == 1:
        _wide_card(playgrounds[0])
        return
    for first in range(0, len(playgrounds), 2):
        for place, playground in zip(st.columns(2), playgrounds[first : first + 2], strict=False):
            with place, st.container(key=f"vt-card-{playground.name}"):
                _picture(playground.name)
                _words(playground)


def show_latest() -> None:
    """The visitor's latest sessions; nothing at all before there is one."""
    try:
        sessions = current().store.sessions.list(visitor())[:LATEST]
    except VitrineError as err:
        refuse(err)
        return
    if not sessions:
        return
    section("Your latest work")
    for session in sessions:
        note = f"{count(len(session.runs), 'result')}, {time_ago(session.updated)}"
        first = thumbnail(session.runs[0], visitor()) if session.runs else NO_THUMBNAIL
        with st.container(key=f"vt-row-{session.id}", horizontal=True, vertical_alignment="center"):
            words = f'<p class="vt-line"><strong>{escape(session.title)}</strong> <span>{escape(note)}</span></p>'
            st.html(f'<div class="vt-with-thumb">{first}{words}</div>')
            st.page_link(page_at("sessions"), label="Open", query_params={"session": session.address})


def show_offline() -> None:
    """Which models need a network and which do not."""
    cards = list(current().catalogue)
    here = [card for card in cards if not isinstance(card.source, Hub)]
    if not here:
        return
    size = byte_size(sum(card.bytes for card in here))
    come = "comes with Vitrine and needs" if len(here) == 1 else "come with Vitrine and need"
    note = f"{count(len(here), 'model')} ({size} in memory) {come} no network and no GPU."
    section("Runs offline", note)
    st.html('<p class="vt-chips">' + " ".join(chip(card.title) for card in here) + "</p>")


def _wide_card(playground: Playground) -> None:
    with st.container(key=f"vt-card-{playground.name}"):
        left, right = st.columns([4, 7], gap="large", vertical_alignment="center")
        with left:
            _picture(playground.name)
        with right:
            _words(playground)


def _words(playground: Playground) -> None:
    st.html(f'<div class="vt-card-words"><h2>{escape(playground.title)}</h2><p>{escape(playground.summary)}</p></div>')
    models = {card.id for action in playground.actions for card in _models(action)}
    told = {"What you can do": ", ".join(action.title for action in playground.actions)}
    told |= {"Models": f"{len(models):,}"} if models else {}
    st.html(facts(told))
    with st.container(key=f"vt-open-{playground.name}"):
        st.page_link(page_at(playground.name), label=f"Open {playground.title}")


def _models(action: type[Action]) -> list[ModelCard]:
    wanted = [item.accepts for item in action.parameters() if item.kind == "model"]
    return [card for accepts in wanted for card in current().catalogue.where(accepts[0], accepts[1])]


def _picture(name: str) -> None:
    every = None if showcase().picture(name) else FIRST_LOOKS_SECONDS
    st.fragment(_look, run_every=every)(name, waiting=every is not None)


def _look(name: str, *, waiting: bool) -> None:
    piece = showcase().picture(name)
    if piece and waiting:
        st.rerun()  # the whole page once more, now without looking again
    if piece:
        st.image(piece.png, width="stretch", alt=piece.alt, output_format="PNG", caption=piece.caption)
    else:
        st.html('<div class="vt-picture vt-pending" role="status"><span>Computing a first result</span></div>')


st.html(
    '<div class="vt-hero"><h1>Look inside deep learning, without writing code</h1>'
    '<p class="vt-lead">Run trained models on your own pictures, move every setting and see at once what changes. '
    "Save what you find and share it by a link that shows exactly what you saw.</p></div>"
)
show_playgrounds()
show_latest()
show_offline()
