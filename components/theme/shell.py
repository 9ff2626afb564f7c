"""The look of the shell: Streamlit's theme options and the CSS that makes its pages ours, all from the tokens."""

from __future__ import annotations

from pathlib import Path

from components.theme import tokens
from components.theme.tokens import Mode, Palette

MARK = "# ---- Theme: written from components/theme/tokens.py by `python -m components.theme.write`; do not edit ----"
_HERE = Path(__file__).parent

# Ten steps of ColorBrewer's RdBu, blue to red.
_RD_BU = "053061 2166ac 4393c3 92c5de d1e5f0 fddbc7 f4a582 d6604d b2182b 67001f"

_Value = str | int | bool | list[str] | list[int]


def theme_options() -> dict[str, dict[str, _Value]]:
    """Streamlit's theme options by section: what both modes share, then the colours of each."""
    return {
        "theme": _shared(),
        "theme.light": _colours("light"),
        "theme.dark": _colours("dark"),
    }


def theme_toml() -> str:
    """The theme part of .streamlit/config.toml, from its mark to the end of the file."""
    parts = [MARK]
    for section, options in theme_options().items():
        parts.append(f"\n[{section}]")
        parts += [f"{name} = {_toml(value)}" for name, value in options.items()]
        if section == "theme":
            parts += [_font_face(file) for file in tokens.FONT_FILES]
    return "\n".join(parts) + "\n"


def shell_css() -> str:
    """Style for the shell's pages. Colours follow the mode by themselves, through `both_modes`."""
    files = ("results.css", "verdict.css", "grid.css", "shell.css")
    return "".join((_HERE / name).read_text(encoding="utf-8") for name in files)


def both_modes() -> str:
    """Every token for both modes at once: colours as `light-dark(...)`, which follows the element's `color-scheme`."""
    light, dark = (_declared(tokens.css_variables(mode)) for mode in ("light", "dark"))
    values = {
        name: value if value == dark[name] else f"light-dark({value}, {dark[name]})" for name, value in light.items()
    }
    return ":root { " + " ".join(f"{name}: {value};" for name, value in values.items()) + " }"


def _declared(css: str) -> dict[str, str]:
    pairs = (line.strip().rstrip(";").partition(": ") for line in css.splitlines() if line.strip())
    return {name: value for name, _, value in pairs}


def _shared() -> dict[str, _Value]:
    sizes = [tokens.TYPE[name] for name in ("h1", "h2", "h3", "lead", "body", "small")]
    return {
        "font": tokens.SANS,
        "codeFont": tokens.MONO,
        "baseFontSize": 16,
        "codeFontSize": tokens.TYPE["caption"],
        "headingFontSizes": sizes,
        "headingFontWeights": [int(tokens.WEIGHT["strong"])] * len(sizes),
        "baseRadius": tokens.RADIUS["medium"],
        "buttonRadius": tokens.RADIUS["medium"],
        "showWidgetBorder": True,
        "linkUnderline": False,
        "paddingTop": tokens.SPACE["5"],
        "paddingBottom": tokens.SPACE["7"],
        "chartCategoricalColors": list(tokens.CATEGORICAL),
        "chartSequentialColors": list(tokens.VIRIDIS),
        "chartDivergingColors": [f"#{colour}" for colour in _RD_BU.split()],
    }


def _colours(mode: Mode) -> dict[str, _Value]:
    own: Palette = tokens.PALETTES[mode]
    options: dict[str, _Value] = {
        "primaryColor": own.accent,
        "backgroundColor": own.ground,
        "secondaryBackgroundColor": own.surface,
        "textColor": own.ink,
        "linkColor": own.accent,
        "borderColor": own.line,
        "codeTextColor": own.ink,
        "codeBackgroundColor": own.sunken,
        "dataframeBorderColor": own.line,
        "dataframeHeaderBackgroundColor": own.sunken,
        "dataframeHeaderTextColor": own.muted,
    }
    for hues, colour, soft in (
        (("red", "orange", "yellow"), own.warning, own.warning_soft),
        (("blue", "green", "violet"), own.accent, own.accent_soft),
        (("gray",), own.muted, own.sunken),
    ):
        for hue in hues:
            options |= {f"{hue}Color": colour, f"{hue}BackgroundColor": soft, f"{hue}TextColor": colour}
    return options


def _toml(value: _Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return "'" + value + "'" if '"' in value else f'"{value}"'


def _font_face(file: tokens.FontFile) -> str:
    lines = ("", "[[theme.fontFaces]]", f'family = "{tokens.FONT_FAMILY}"', f'url = "{file.path}"')
    return "\n".join((*lines, f'weight = "{file.weight}"', f'unicodeRange = "{file.unicode_range}"'))
