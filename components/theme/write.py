"""Writes the theme part of .streamlit/config.toml from the tokens: `python -m components.theme.write`.

All that stands before the mark (the server's options) is kept as it is.
"""

from __future__ import annotations

from pathlib import Path

from components.theme.shell import MARK, theme_toml

CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"


def with_theme(text: str) -> str:
    """`text` of a config file with its theme part replaced, or added at its end."""
    before = text.partition(MARK)[0].rstrip()
    return f"{before}\n\n{theme_toml()}" if before else theme_toml()


def main() -> None:
    """Bring the file up to date."""
    CONFIG.parent.mkdir(exist_ok=True)
    text = CONFIG.read_text(encoding="utf-8") if CONFIG.exists() else ""
    CONFIG.write_text(with_theme(text), encoding="utf-8")


if __name__ == "__main__":
    main()
