"""The shell's first paint: what goes into the head of its HTML page, so that it is ours before Streamlit has spoken.

Streamlit paints its own colours and typeface until its socket is up, and keeps a chosen theme for each address
separately. `window.__streamlit`, which it reads for whoever hosts it, and its own storage settle both beforehand.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from components.theme import tokens
from components.theme.shell import both_modes, theme_options

_HERE = Path(__file__).parent
_SCRIPT = """(() => {
  // In a frame of another site a browser may keep nothing and throw instead: then it is remembered on this page only.
  const kept = new Map();
  const attempt = (act, otherwise) => { try { return act(); } catch { return otherwise(); } };
  window.vtKeep = {
    get: (key) => attempt(() => localStorage.getItem(key), () => kept.get(key) ?? null),
    set: (key, value) => attempt(() => localStorage.setItem(key, value), () => void kept.set(key, value)),
  };
  const stored = vtKeep.get("vitrine-theme");
  const choice = ["light", "dark"].includes(stored) ? stored : "system";
  const named = choice[0].toUpperCase() + choice.slice(1);
  vtKeep.set(`stActiveTheme-${window.location.pathname}-v2`, JSON.stringify(named));
  document.documentElement.style.colorScheme = choice === "system" ? "light dark" : choice;
  window.__streamlit = { ...window.__streamlit, ...THEMES };
})();"""
_STYLE = """html { background: var(--vt-ground); }
#root:empty::before {
  content: ""; position: fixed; inset: 30vh 0 auto; margin: auto; width: 28px; height: 28px; border-radius: 50%;
  border: 3px solid var(--vt-line); border-top-color: var(--vt-accent); animation: vt-turn 0.9s linear infinite;
}
@keyframes vt-turn { to { transform: rotate(360deg); } }
@media (prefers-reduced-motion: reduce) { #root:empty::before { animation-duration: 6s; } }"""


def first_paint() -> str:
    """HTML for the end of the head: typeface, colours, a calm sign of life, and the theme that was chosen.

    The script is inline and the same for every visitor, so a Content-Security-Policy can name it by its hash.
    """
    font = f'<link rel="preload" href="{tokens.FONT_FILES[0].path}" as="font" type="font/woff2" crossorigin>'
    style = f"<style>{tokens.font_faces()}\n{both_modes()}\n{_STYLE}</style>"
    return f"{font}\n{style}\n<script>{_SCRIPT.replace('THEMES', json.dumps(_themes()))}</script>\n"


@cache
def first_style() -> str:
    """The style element of first sight (components/first_sight.py), whose rules reach nothing else on the page."""
    files = ((_HERE / name).read_text(encoding="utf-8") for name in ("results.css", "grid.css", "first.css"))
    return f"<style>#vt-first {{\n{''.join(files)}}}</style>"


@cache
def first_script() -> str:
    """The script element that takes first sight away; like all here the same for every visitor."""
    return f"<script>{(_HERE / 'first.js').read_text(encoding='utf-8')}</script>"


def _themes() -> dict[str, Any]:
    """Both themes as Streamlit's page takes them before the server has sent its own."""
    options = theme_options()
    shared = {name: value for name, value in options["theme"].items() if not name.startswith("padding")}
    return {
        name: {**shared, **options[section], "bodyFont": tokens.SANS}
        for name, section in (("LIGHT_THEME", "theme.light"), ("DARK_THEME", "theme.dark"))
    }
