"""Style and script of the slides: inline in both forms, so that one page opens with one request.

The script is the same for every visitor: the live page's policy names it by its hash (app.safety.headers), the
exported file's own policy does the same.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from components.slides.material import data_address
from components.theme import tokens
from components.theme.shell import both_modes

_HERE = Path(__file__).parent
_ASSETS = Path(__file__).parents[2] / "assets"
_STYLES = ("../theme/results.css", "../theme/grid.css", "slides.css", "pieces.css", "controls.css")
_SCRIPTS = ("slides.js", "fit.js", "frames.js", "speaker.js")
_FILE_POLICY = (
    "default-src 'none'; img-src data:; media-src data:; font-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; script-src "
)


def brand_html() -> str:
    """Mark and name, in the colours of the page instead of the system's."""
    mark = re.sub(r"<style>.*?</style>", "", _mark()).replace('role="img" aria-label="Vitrine"', 'aria-hidden="true"')
    return f'<p class="vt-brand">{mark}<span>Vitrine</span></p>'


@cache
def script_html() -> str:
    """The script element of every page here."""
    parts = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    return f'<script>(() => {{\n"use strict";\n{parts}}})();</script>'


def plotly_file() -> Path:
    """Plotly's library for the browser, as the installed package brings it."""
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def live_head(figures: bool) -> str:
    """What goes into the head of the page that the server shows."""
    icon = '<link rel="icon" type="image/svg+xml" href="/assets/brand/mark.svg">'
    font = f'<link rel="preload" href="{tokens.FONT_FILES[0].path}" as="font" type="font/woff2" crossorigin>'
    library = '<script src="/present/files/plotly.min.js" defer></script>' if figures else ""
    return f"{icon}{font}<style>{_faces(live=True)}\n{_style()}</style>{script_html()}{library}"


def file_head(figures: bool) -> str:
    """What goes into the head of a file: a policy that allows no request, and everything as data."""
    library = f"<script>{_plotly()}</script>" if figures else ""
    scripts = script_html() + library
    hashes = " ".join(_hash(text) for text in re.findall(r"<script>(.*?)</script>", scripts, re.DOTALL))
    icon = data_address("image/svg+xml", _mark().encode())
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{_FILE_POLICY}{hashes}">'
        f'<link rel="icon" type="image/svg+xml" href="{icon}"><style>{_faces(live=False)}\n{_style()}</style>{scripts}'
    )


@cache
def _mark() -> str:
    return (_ASSETS / "brand" / "mark.svg").read_text(encoding="utf-8").strip()


@cache
def _style() -> str:
    # Spacing grows with the slide, as type does: 1rem is 16 px on a slide of 1280 x 720.
    spaces = "".join(f"--vt-space-{name}: {int(value[:-2]) / 16:g}rem; " for name, value in tokens.SPACE.items())
    styles = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in _STYLES)
    return f"{both_modes()}\n:root {{ {spaces}}}\n{styles}"


@cache
def _faces(*, live: bool) -> str:
    faces = tokens.font_faces()
    if not live:
        for file in tokens.FONT_FILES:
            data = (_ASSETS / file.path.removeprefix("/assets/")).read_bytes()
            faces = faces.replace(file.path, data_address("font/woff2", data))
    return faces


def _plotly() -> str:
    return plotly_file().read_text(encoding="utf-8").replace("</script", "<\\/script")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
