"""A whole presentation as one HTML document, and the page that stands where there is none to show.

The live form loads pictures, the typeface and (for figures) Plotly from our own server. The exported form holds all of
it as data, and its own Content-Security-Policy forbids any request.
"""

from __future__ import annotations

import html

from backends.core.errors import VitrineError
from backends.store.values import Session
from components.slides import look
from components.slides.controls import bar_html, dialogs_html, notes_html
from components.slides.deck import first_slide, result_slide
from components.slides.material import Material


def slides_html(session: Session, material: Material, *, speaker: bool = False) -> str:
    """The presentation of a session. speaker: whether speaker notes go in; they never do for who does not own it.

    Nothing raises: a run that failed and a result that is gone say so on their slides.
    """
    speaker = speaker and session.mine
    slides = len(session.items) + 1
    told = [
        result_slide(item, material, number, slides, speaker=speaker)
        for number, item in enumerate(session.items, start=2)
    ]
    deck = first_slide(session, material, slides) + "".join(slide for slide, _ in told)
    figures = any(figure for _, figure in told)
    page = f'<main class="vt-deck">{deck}</main>' + bar_html(session, material, speaker=speaker)
    page += dialogs_html(session, material, speaker=speaker) + (notes_html() if speaker else "")
    page += '<p class="vt-told" role="status"></p>'
    data = {"address": material.address if material.live else "", "speaker": "yes" if speaker else ""}
    return _document(session.title, page, look.live_head(figures) if material.live else look.file_head(figures), data)


def closed_html(error: VitrineError) -> str:
    """The page in place of a presentation that cannot be shown: why, what to do, and a way back."""
    page = (
        f'<main class="vt-closed">{look.brand_html()}'
        f"<h1>{html.escape(error.sentence)}</h1><p>{html.escape(error.hint)}</p>"
        '<p><a class="vt-back" href="/sessions">To your sessions</a></p></main>'
    )
    return _document("No slides", page, look.live_head(figures=False), {})


def _document(title: str, page: str, head: str, data: dict[str, str]) -> str:
    attributes = "".join(f' data-{name}="{html.escape(value)}"' for name, value in data.items())
    return (
        f'<!doctype html>\n<html lang="en"{attributes}>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)} - Vitrine</title>\n{head}\n</head>\n<body>\n{page}\n</body>\n</html>\n"
    )
