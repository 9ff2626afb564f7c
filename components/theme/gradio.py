"""The look of the playgrounds: a Gradio theme, a little CSS and one small script, all from the tokens.

What Gradio paints itself is set by theme variables; the CSS only removes what no variable reaches.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.utils.colors import Color
from gradio.themes.utils.sizes import Size

from components.theme import tokens
from components.theme.tokens import DARK, LIGHT

_HERE = Path(__file__).parent

# Theme variable -> the colour token it takes, in both modes.
_COLOURS = {
    "body_background_fill": "ground",
    "body_text_color": "ink",
    "body_text_color_subdued": "muted",
    "background_fill_primary": "surface",
    "background_fill_secondary": "sunken",
    "border_color_primary": "line",
    "border_color_accent": "accent",
    "border_color_accent_subdued": "edge",
    "color_accent_soft": "accent_soft",
    "link_text_color": "accent",
    "link_text_color_active": "accent_strong",
    "link_text_color_hover": "accent_strong",
    "link_text_color_visited": "accent",
    "code_background_fill": "sunken",
    "block_background_fill": "surface",
    "block_border_color": "line",
    "block_info_text_color": "muted",
    "block_label_background_fill": "surface",
    "block_label_border_color": "line",
    "block_label_text_color": "muted",
    "block_title_text_color": "ink",
    "panel_background_fill": "surface",
    "panel_border_color": "line",
    "accordion_text_color": "ink",
    "table_text_color": "ink",
    "table_border_color": "line",
    "table_even_background_fill": "surface",
    "table_odd_background_fill": "ground",
    "table_row_focus": "accent_soft",
    "checkbox_background_color": "surface",
    "checkbox_background_color_focus": "surface",
    "checkbox_background_color_hover": "sunken",
    "checkbox_background_color_selected": "accent",
    "checkbox_border_color": "edge",
    "checkbox_border_color_focus": "accent",
    "checkbox_border_color_hover": "accent",
    "checkbox_border_color_selected": "accent",
    "checkbox_label_background_fill": "surface",
    "checkbox_label_background_fill_hover": "sunken",
    "checkbox_label_background_fill_selected": "accent_soft",
    "checkbox_label_border_color": "line",
    "checkbox_label_border_color_hover": "edge",
    "checkbox_label_border_color_selected": "accent",
    "checkbox_label_text_color": "ink",
    "checkbox_label_text_color_selected": "ink",
    "error_background_fill": "warning_soft",
    "error_border_color": "warning",
    "error_text_color": "warning",
    "error_icon_color": "warning",
    "input_background_fill": "surface",
    "input_background_fill_focus": "surface",
    "input_background_fill_hover": "surface",
    "input_border_color": "edge",
    "input_border_color_focus": "accent",
    "input_border_color_hover": "muted",
    "input_placeholder_color": "muted",
    "loader_color": "accent",
    "slider_color": "accent",
    "stat_background_fill": "accent",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent_strong",
    "button_primary_border_color": "accent",
    "button_primary_border_color_hover": "accent_strong",
    "button_primary_text_color": "on_accent",
    "button_primary_text_color_hover": "on_accent",
    "button_secondary_background_fill": "surface",
    "button_secondary_background_fill_hover": "sunken",
    "button_secondary_border_color": "edge",
    "button_secondary_border_color_hover": "muted",
    "button_secondary_text_color": "ink",
    "button_secondary_text_color_hover": "ink",
    "button_cancel_background_fill": "surface",
    "button_cancel_background_fill_hover": "warning_soft",
    "button_cancel_border_color": "warning",
    "button_cancel_border_color_hover": "warning",
    "button_cancel_text_color": "warning",
    "button_cancel_text_color_hover": "warning",
}

_RADIUS, _TYPE, _SPACE, _WEIGHT = tokens.RADIUS, tokens.TYPE, tokens.SPACE, tokens.WEIGHT

# Theme variable -> value, the same in both modes.
_VALUES = {
    "body_text_size": _TYPE["small"],
    "block_border_width": "1px",
    "block_info_text_size": _TYPE["caption"],
    "block_label_text_size": _TYPE["caption"],
    "block_label_text_weight": _WEIGHT["medium"],
    "block_label_border_width": "0px",
    "block_label_shadow": "none",
    "block_padding": f"{_SPACE['3']} {_SPACE['4']}",
    "block_radius": _RADIUS["medium"],
    "block_shadow": "none",
    "block_title_text_size": _TYPE["small"],
    "block_title_text_weight": _WEIGHT["medium"],
    "block_title_border_width": "0px",
    "container_radius": _RADIUS["medium"],
    "panel_border_width": "0px",
    "layout_gap": _SPACE["4"],
    "form_gap_width": "0px",
    "section_header_text_size": _TYPE["small"],
    "section_header_text_weight": _WEIGHT["strong"],
    "prose_text_size": _TYPE["small"],
    "prose_header_text_weight": _WEIGHT["strong"],
    "input_border_width": "1px",
    "input_radius": _RADIUS["small"],
    "input_shadow": "none",
    "input_text_size": _TYPE["small"],
    "checkbox_border_radius": "4px",
    "checkbox_border_width": "1.5px",
    "checkbox_label_border_width": "1px",
    "checkbox_label_shadow": "none",
    "checkbox_label_text_size": _TYPE["small"],
    "shadow_drop": tokens.SHADOWS["card"],
    "shadow_drop_lg": tokens.SHADOWS["raised"],
    "shadow_inset": "none",
    "table_radius": _RADIUS["small"],
    "button_border_width": "1px",
    "button_large_padding": f"{_SPACE['3']} {_SPACE['5']}",
    "button_large_radius": _RADIUS["medium"],
    "button_large_text_size": _TYPE["body"],
    "button_large_text_weight": _WEIGHT["strong"],
    "button_medium_padding": f"{_SPACE['2']} {_SPACE['4']}",
    "button_medium_radius": _RADIUS["medium"],
    "button_medium_text_size": _TYPE["small"],
    "button_medium_text_weight": _WEIGHT["medium"],
    "button_small_padding": f"{_SPACE['1']} {_SPACE['3']}",
    "button_small_radius": _RADIUS["small"],
    "button_small_text_size": _TYPE["caption"],
    "button_small_text_weight": _WEIGHT["medium"],
    "button_transition": "background-color 120ms ease, border-color 120ms ease",
}


def gradio_theme() -> gr.themes.Base:
    """The tokens as a Gradio theme."""
    theme = gr.themes.Base(
        primary_hue=_ramp("vitrine-accent", LIGHT.accent),
        secondary_hue=_ramp("vitrine-accent", LIGHT.accent),
        neutral_hue=_neutral(),
        text_size=Size("0.6875rem", "0.75rem", *_steps(_TYPE, "caption", "small", "body", "lead"), _TYPE["h2"]),
        spacing_size=Size("2px", "4px", "6px", "8px", "12px", "16px", "24px"),
        radius_size=Size("2px", "4px", "6px", "8px", "10px", "12px", "16px"),
        font=["Inter", "system-ui", "-apple-system", "Segoe UI", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"],
    )
    theme.name = "vitrine"
    light = {name: getattr(LIGHT, colour) for name, colour in _COLOURS.items()}
    dark = {f"{name}_dark": getattr(DARK, colour) for name, colour in _COLOURS.items()}
    theme.set(**_VALUES, **light, **dark)
    return theme


def gradio_css() -> str:
    """The typeface, the tokens as variables, and what no theme variable reaches."""
    light, dark = tokens.css_variables("light"), tokens.css_variables("dark")
    files = ("playground.css", "frame.css", "tools.css", "verdict.css", "grid.css", "code.css")
    rules = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in files)
    return f"{tokens.font_faces()}\n:root {{\n{light}}}\n:root.dark, :root .dark {{\n{dark}}}\n{rules}"


def head() -> str:
    """What goes into the head of a playground's page: the talk with the page around it, the address, tools and keys."""
    files = ("playground.js", "opened.js", "address.js", "tools.js", "grid.js", "code.js", "keys.js")
    scripts = [(_HERE / name).read_text(encoding="utf-8") for name in files]
    return "".join(f"<script>{script}</script>" for script in scripts)


def _steps(scale: dict[str, str], *names: str) -> list[str]:
    return [scale[name] for name in names]


def _ramp(name: str, colour: str) -> Color:
    """Eleven steps of one colour: mixed with white up to the sixth (the colour itself), then with black."""
    mixes = [mix(colour, "#ffffff", part) for part in (0.94, 0.86, 0.7, 0.5, 0.25)]
    mixes += [colour] + [mix(colour, "#000000", part) for part in (0.12, 0.28, 0.42, 0.56, 0.7)]
    return Color(*mixes, name=name)


def _neutral() -> Color:
    """Greys of both modes, light to dark, for what Gradio takes from its neutral hue directly."""
    steps = (LIGHT.ground, LIGHT.sunken, LIGHT.line, DARK.ink, DARK.muted, LIGHT.edge)
    return Color(*steps, LIGHT.muted, DARK.line, DARK.sunken, DARK.surface, DARK.ground, name="vitrine-neutral")


def mix(colour: str, other: str, part: float) -> str:
    """`colour` with `part` in [0, 1] of `other` mixed in, in sRGB; all #rrggbb."""
    pairs = [(int(colour[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(one + (two - one) * part):02x}" for one, two in pairs)
