"""What a presenter holds on to: the bar of buttons, the list of keys, the pane of speaker notes."""

from __future__ import annotations

import html
from urllib.parse import quote

from backends.store.values import Session
from components.slides.material import Material

_KEYS = (
    ("\u2192 \u2193 Space PageDown", "Next slide"),
    ("\u2190 \u2191 PageUp", "Slide before"),
    ("Home, End", "First, last slide"),
    ("F", "Full screen"),
    ("T", "Light or dark"),
    ("P", "Print, or save as PDF"),
    ("?", "These keys"),
    ("Escape", "Close what is open"),
)
_SPEAKER_KEY = ("N", "Speaker notes, in a window of their own")
# Strokes of 24 x 24, as in the shell's own switch.
_ICONS = {
    "back": "M15 5l-7 7 7 7",
    "next": "M9 5l7 7-7 7",
    "theme": "M20.5 14.2A8.5 8.5 0 1 1 9.8 3.5a7 7 0 0 0 10.7 10.7Z",
    "screen": "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
    "notes": "M5 4h14v16H5zM9 9h6M9 13h6M9 17h3",
    "pdf": "M7 9V3h10v6M7 17H4v-6a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v6h-3M7 14h10v7H7z",
    "keys": "M9.2 9a3 3 0 1 1 4.3 2.7c-.9.5-1.5 1.1-1.5 2.3M12 17.6v.1",
    "leave": "M6 6l12 12M18 6L6 18",
}


def bar_html(session: Session, material: Material, *, speaker: bool) -> str:
    """The bar: it hides while nobody moves, and everything in it has a key."""
    buttons = [
        _button("back", "Slide before", "\u2190"),
        '<span class="vt-at" aria-hidden="true"></span>',
        _button("next", "Next slide", "\u2192"),
        _button("theme", "Light or dark", "T"),
        _button("screen", "Full screen", "F"),
        *([_button("notes", "Speaker notes", "N")] if speaker else []),
        _button("pdf", "Save as PDF", "P", "Opens the print dialog: choose 'Save as PDF' there"),
        _button("keys", "Keys and downloads" if material.live else "Keys", "?"),
    ]
    if material.live:
        back = f"/sessions?session={quote(session.address, safe='')}"
        buttons.append(f'<a href="{back}" title="Leave the slides" aria-label="Leave the slides">{_icon("leave")}</a>')
    return f'<nav class="vt-bar" aria-label="Presentation">{"".join(buttons)}</nav>'


def dialogs_html(session: Session, material: Material, *, speaker: bool) -> str:
    """The keys, with what can be taken away; and the place where words that were cut are shown whole."""
    listed = [*_KEYS[:5], _SPEAKER_KEY, *_KEYS[5:]] if speaker else list(_KEYS)
    rows = "".join(f"<dt>{html.escape(keys)}</dt><dd>{html.escape(what)}</dd>" for keys, what in listed)
    edge = "<p>A click on the left or right edge, or a swipe, moves as well.</p>"
    away = _away(session, speaker=speaker) if material.live else ""
    return (
        f'<dialog class="vt-dialog vt-keys" aria-labelledby="vt-keys"><h2 id="vt-keys">Keys</h2><dl>{rows}</dl>{edge}'
        f"{away}{_CLOSE}</dialog>"
        '<dialog class="vt-dialog vt-whole" aria-labelledby="vt-whole"><h2 id="vt-whole"></h2><div></div>'
        f"{_CLOSE}</dialog>"
    )


def notes_html() -> str:
    """Where the owner reads what only they may: fills a window of its own, or a pane where windows are blocked."""
    return (
        '<aside class="vt-speaker" aria-label="Speaker notes" hidden><div class="vt-clock">'
        '<p class="vt-where"></p><p><time class="vt-elapsed">0:00</time> <button type="button" data-do="restart">'
        "Restart clock</button></p></div>"
        '<h2 class="vt-now"></h2><p class="vt-then"></p><div class="vt-said-here" tabindex="0"></div></aside>'
    )


def _away(session: Session, *, speaker: bool) -> str:
    address = f"/api/sessions/{quote(session.address, safe='')}/slides.html"
    own = f' or <a href="{address}?speaker=1" download>with your speaker notes</a>' if speaker else ""
    return f'<p><a href="{address}" download>Download as one HTML file</a>{own}. It needs no network.</p>'


def _button(act: str, name: str, key: str, title: str = "") -> str:
    shown = html.escape(title or name)
    return f'<button type="button" data-do="{act}" aria-label="{name}" title="{shown} ({key})">{_icon(act)}</button>'


def _icon(name: str) -> str:
    return f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{_ICONS[name]}"/></svg>'


_CLOSE = '<p class="vt-close"><button type="button" data-do="close">Close</button></p>'
