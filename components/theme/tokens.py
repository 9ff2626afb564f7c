"""The one source of colour, type, spacing, radius and shadow. Both halves of the house derive their look from it.

Knows nothing of Streamlit or Gradio. Contrast (WCAG 2.2 AA) is asserted for every pair in `text_pairs`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

Mode = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """Colours of one mode, as #rrggbb, and of shadows, as #rrggbbaa.

    ground: the page. surface: cards and panels on it. sunken: inputs, code and wells.
    ink, muted: text and secondary text. line: hairlines that only decorate. edge: outlines of what can be operated.
    accent: what can be acted on; accent_strong when hovered or pressed; on_accent: text upon either;
    accent_soft: a tint behind what is selected. warning, warning_soft: what needs care, and a tint behind it.
    shade, shade_wide: of a shadow near and far.
    """

    ground: str
    surface: str
    sunken: str
    ink: str
    muted: str
    line: str
    edge: str
    accent: str
    accent_strong: str
    on_accent: str
    accent_soft: str
    warning: str
    warning_soft: str
    shade: str
    shade_wide: str


LIGHT = Palette(
    ground="#f6f7f9",
    surface="#ffffff",
    sunken="#eef0f4",
    ink="#14181f",
    muted="#545d6b",
    line="#e0e4ea",
    edge="#838c9a",
    accent="#0b6472",
    accent_strong="#084c57",
    on_accent="#ffffff",
    accent_soft="#e1f0f2",
    warning="#9c3f0b",
    warning_soft="#fcefe4",
    shade="#14181f0d",
    shade_wide="#14181f14",
)
DARK = Palette(
    ground="#0f1216",
    surface="#171b21",
    sunken="#1f252d",
    ink="#e9ecf1",
    muted="#a3acb9",
    line="#2b323b",
    edge="#76818f",
    accent="#5cc6d0",
    accent_strong="#88dae1",
    on_accent="#06252a",
    accent_soft="#12343a",
    warning="#f0a868",
    warning_soft="#3a2617",
    shade="#00000066",
    shade_wide="#00000073",
)

PALETTES: dict[Mode, Palette] = {"light": LIGHT, "dark": DARK}

# Okabe and Ito (2008), without black: distinguishable with every common colour blindness, on both grounds.
CATEGORICAL = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
SEQUENTIAL = "viridis"  # magnitudes: perceptually uniform
# Ten steps of it (van der Walt and Smith, 2015), dark to light.
VIRIDIS = (
    *("#440154", "#482878", "#3e4989", "#31688e", "#26828e"),
    *("#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"),
)
DIVERGING = "RdBu_r"  # signed values, centred on zero

FONT_FAMILY = "Inter"
SANS = f'{FONT_FAMILY}, system-ui, -apple-system, "Segoe UI", sans-serif'
MONO = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace'


@dataclass(frozen=True)
class FontFile:
    """A self-hosted font file. path: as our server serves it. unicode_range: the characters it is fetched for."""

    path: str
    weight: str
    unicode_range: str


# Inter 4 variable (SIL Open Font License 1.1, assets/fonts/LICENSE-Inter.txt); ranges as Fontsource publishes them.
FONT_FILES = (
    FontFile(
        "/assets/fonts/inter-latin-wght-normal.woff2",
        "100 900",
        "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,U+2000-206F,U+20AC,"
        "U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD",
    ),
    FontFile(
        "/assets/fonts/inter-latin-ext-wght-normal.woff2",
        "100 900",
        "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+0304,U+0308,U+0329,U+1D00-1DBF,U+1E00-1E9F,"
        "U+1EF2-1EFF,U+2020,U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF",
    ),
)

# Sizes in rem of a 16 px root: a scale of about 1.2, tight at the bottom where interfaces live.
TYPE = {
    "caption": "0.8125rem",
    "small": "0.875rem",
    "body": "1rem",
    "lead": "1.125rem",
    "h3": "1.25rem",
    "h2": "1.5rem",
    "h1": "2rem",
    "display": "2.75rem",
}
WEIGHT = {"regular": "400", "medium": "500", "strong": "600"}
LEADING = {"tight": "1.2", "body": "1.55"}
SPACE = {"1": "4px", "2": "8px", "3": "12px", "4": "16px", "5": "24px", "6": "32px", "7": "48px", "8": "64px"}
RADIUS = {"small": "6px", "medium": "10px", "large": "16px", "full": "999px"}
SHADOWS = {
    "card": "0 1px 2px var(--vt-shade)",
    "raised": "0 2px 4px var(--vt-shade), 0 8px 24px var(--vt-shade-wide)",
}


def css_variables(mode: Mode) -> str:
    """Every token as declarations `--vt-<name>: <value>;`, for the inside of a rule."""
    names = {**_colours(mode), **_shared()}
    return "\n".join(f"  --vt-{name}: {value};" for name, value in names.items()) + "\n"


def font_faces() -> str:
    """The @font-face rules of the self-hosted typeface."""
    return "\n".join(
        f'@font-face {{ font-family: "{FONT_FAMILY}"; font-style: normal; font-weight: {file.weight}; '
        f'font-display: swap; src: url("{file.path}") format("woff2"); unicode-range: {file.unicode_range}; }}'
        for file in FONT_FILES
    )


def text_pairs(mode: Mode) -> tuple[tuple[str, str], ...]:
    """Every (text colour, ground) that is used anywhere; each must reach 4.5:1."""
    own = PALETTES[mode]
    grounds = (own.ground, own.surface, own.sunken)
    pairs = [(text, ground) for text in (own.ink, own.muted, own.accent, own.warning) for ground in grounds]
    pairs += [(own.ink, own.accent_soft), (own.accent, own.accent_soft), (own.muted, own.accent_soft)]
    pairs += [(own.ink, own.warning_soft), (own.warning, own.warning_soft)]
    pairs += [(own.on_accent, own.accent), (own.on_accent, own.accent_strong)]
    return tuple(pairs)


def outline_pairs(mode: Mode) -> tuple[tuple[str, str], ...]:
    """Every (outline of a control, ground); each must reach 3:1 (WCAG 2.2, 1.4.11)."""
    own = PALETTES[mode]
    return tuple((line, ground) for line in (own.edge, own.accent) for ground in (own.ground, own.surface))


def _colours(mode: Mode) -> dict[str, str]:
    own = PALETTES[mode]
    names = {field.name.replace("_", "-"): str(getattr(own, field.name)) for field in fields(own)}
    return names | {f"category-{index}": colour for index, colour in enumerate(CATEGORICAL, start=1)}


def _shared() -> dict[str, str]:
    names = {"font": SANS, "mono": MONO} | {f"shadow-{name}": value for name, value in SHADOWS.items()}
    for prefix, scale in (("text", TYPE), ("weight", WEIGHT), ("leading", LEADING), ("space", SPACE)):
        names |= {f"{prefix}-{name}": value for name, value in scale.items()}
    return names | {f"radius-{name}": value for name, value in RADIUS.items()}
