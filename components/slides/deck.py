"""The slides themselves: the first says what the session is, then one for each result."""

from __future__ import annotations

import html

from backends.core.errors import NotFound
from backends.core.playground import Actions
from backends.store.values import Item, Session
from components.slides.look import brand_html
from components.slides.material import Material
from components.slides.pieces import Pieces, cut_html, gone_html, pieces_of
from components.slides.words import note_html, opening, settings_line, title_of, what_happened
from components.words import count


def first_slide(session: Session, material: Material, slides: int) -> str:
    """Title, notes, how many results and from when, and what must be known before any of them is believed."""
    notes = f'<div class="vt-notes">{cut_html(note_html(opening(session.notes)), "the notes")}</div>'
    size = count(len(session.items), "result") if session.items else "No results yet"
    facts = f"{size} \u00b7 {_day(session)}"
    warnings = "".join(f'<p class="vt-warning">{html.escape(said)}</p>' for said in _notices(session, material.actions))
    empty = '<p class="vt-gone">This session is empty. Save a result into it, and it gets a slide.</p>'
    return _slide(
        1,
        slides,
        f'<div class="vt-cover"><h1 id="vt-title-1">{html.escape(session.title)}</h1>'
        f"{notes if session.notes.strip() else ''}{'' if session.items else empty}"
        f'<p class="vt-facts">{html.escape(facts)}</p>{warnings}</div>',
        brand_html(),
        kind="vt-first",
    )


def result_slide(item: Item, material: Material, number: int, slides: int, *, speaker: bool) -> tuple[str, bool]:
    """One result's slide, and whether it has a figure. speaker: whether its speaker note goes in."""
    title, attributes = title_of(item, material), ""
    pieces = _pieces(item, material, title)
    if item.live and item.run.state == "done":
        attributes, said = _live(item, material, title)
        pieces.read += [said] if said else []
    wide = any(output.kind == "grid" for output in item.run.outputs)
    slot = '<div class="vt-slot" hidden></div>' if attributes else ""
    note = f'<div class="vt-note">{cut_html(note_html(item.note), "the note")}</div>' if item.note.strip() else ""
    above, beside = (note, "") if slot or wide else ("", note)  # controls and sweeps want the whole width
    aside = f'<template class="vt-said">{note_html(item.speaker)}</template>' if speaker and item.speaker else ""
    settings = " \u00b7 ".join(settings_line(material.actions, item.run))
    body = (
        f'<header><h2 id="vt-title-{number}">{html.escape(title)}</h2>{above}</header>'
        f'<div class="vt-body">{slot}{_body(pieces, beside)}</div>{aside}'
    )
    footer = f'<p class="vt-settings">{html.escape(settings)}</p>'
    return _slide(number, slides, body, footer, attributes=attributes), pieces.figure


def _pieces(item: Item, material: Material, title: str) -> Pieces:
    pieces = pieces_of(item.run, material, title)
    happened = what_happened(item.run)
    pieces.read[:0] = [gone_html(happened)] if happened else []
    if not (pieces.seen or pieces.read):
        pieces.read.append(gone_html("This run has nothing that a slide could show."))
    return pieces


def _live(item: Item, material: Material, title: str) -> tuple[str, str]:
    """What makes a slide live: attributes that name its frame; in a file, the sentence that says where it is live."""
    playground, address = material.playground(item.run), material.frame(item.run)
    if not playground:
        return "", gone_html("Its playground is no longer here, so this slide shows what was stored.")
    if material.live:
        name = html.escape(f"{playground}: {title}")
        return f' data-frame="{html.escape(address)}" data-frame-title="{name}"', ""
    name = item.run.experiment.action.partition("/")[0]
    there = f"{material.origin}/{name}?session={material.address}&run={item.run.id}"
    link = f'<a href="{html.escape(there)}" target="_blank" rel="noopener noreferrer">Open it with its controls</a>'
    return "", f'<p class="vt-elsewhere">Shown as it was stored. {link} while that Vitrine is running.</p>'


def _body(pieces: Pieces, note: str) -> str:
    read = f'<div class="vt-read">{note}{"".join(pieces.read)}</div>' if note or pieces.read else ""
    seen = ""
    if pieces.seen:
        shots = f'<div class="vt-shots" data-count="{len(pieces.seen)}">{"".join(pieces.seen)}</div>'
        seen = f'<div class="vt-seen">{shots}{"".join(pieces.below)}</div>'
    shape = "both" if seen and read else "seen" if seen else "read"
    return f'<div class="vt-stored" data-shape="{shape}">{seen}{read}</div>'


def _slide(number: int, slides: int, body: str, footer: str, *, attributes: str = "", kind: str = "") -> str:
    return (
        f'<section class="{f"vt-slide {kind}".strip()}" id="vt-slide-{number}" role="group" '
        f'aria-roledescription="slide" aria-labelledby="vt-title-{number}"{attributes}>{body}'
        f'<footer>{footer}<p class="vt-number" aria-label="Slide {number} of {slides}">{number} / {slides}</p></footer>'
        "</section>"
    )


def _notices(session: Session, actions: Actions) -> list[str]:
    """The first sentence of each playground's notice, once."""
    found: dict[str, None] = {}
    for run in session.runs:
        try:
            notice = actions.playground_of(run.experiment.action).notice
        except NotFound:
            continue
        if notice:
            found[f"{notice.split('. ')[0].rstrip('.')}."] = None
    return list(found)


def _day(session: Session) -> str:
    return f"{session.updated.day} {session.updated:%B %Y}"
