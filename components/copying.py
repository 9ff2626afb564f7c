"""Two things that only the browser can do: put a text on the clipboard, and start a download."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from components.toasts import toast

_HERE = Path(__file__).parent


def copy_button(text: str, label: str, key: str, said: str = "Link copied.", name: str = "") -> None:
    """A button that puts `text` on the clipboard and says `said`. name: for screen readers, where it must say more."""
    data = {"text": text, "label": label, "name": name}
    shown = _copier()(key=key, data=data, width="content", height="content", on_copied_change=_nothing)
    if shown.copied:
        toast(said)


def download(address: str, key: str) -> None:
    """Fetch an address of ours as a file, now. key: another one for each time."""
    _downloader()(key=key, data={"address": address}, width="content", height="content")


def _nothing() -> None:
    """Streamlit hands out a trigger only where something listens to it."""


@cache
def _copier() -> Any:
    return st.components.v2.component(
        "vitrine_copy",
        html='<button type="button" class="vt-copy"></button>',
        js=(_HERE / "copying.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )


@cache
def _downloader() -> Any:
    return st.components.v2.component("vitrine_download", html="<span></span>", js=_DOWNLOAD_JS, isolate_styles=False)


_DOWNLOAD_JS = """
const started = new WeakSet(); // Streamlit calls again after every rerun; each element fetches once
export default function ({ data, parentElement }) {
  if (started.has(parentElement)) return;
  started.add(parentElement);
  const link = Object.assign(document.createElement("a"), { href: data.address, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}
"""
