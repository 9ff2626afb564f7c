"""The look, as promises: readable in both modes, and the same on both sides."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from components.theme import tokens
from components.theme.gradio import gradio_css, gradio_theme
from components.theme.page import first_paint
from components.theme.shell import both_modes, shell_css, theme_options
from components.theme.write import CONFIG, with_theme

ROOT = Path(__file__).parents[2]
MODES: tuple[tokens.Mode, ...] = ("light", "dark")


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2, definition)."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio in [1, 21]."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_formula_agrees_with_known_values():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("mode", MODES)
def test_every_text_is_readable_on_every_ground(mode):
    low = {pair: contrast(*pair) for pair in tokens.text_pairs(mode) if contrast(*pair) < 4.5}
    assert not low


@pytest.mark.parametrize("mode", MODES)
def test_outlines_of_controls_can_be_seen(mode):
    low = {pair: contrast(*pair) for pair in tokens.outline_pairs(mode) if contrast(*pair) < 3}
    assert not low


def test_both_modes_define_the_same_variables():
    names = [
        {line.split(":")[0].strip() for line in tokens.css_variables(mode).splitlines() if ":" in line}
        for mode in MODES
    ]
    assert names[0] == names[1]
    assert all(name.startswith("--vt-") for name in names[0])


def test_the_fonts_are_served_from_here_and_exist():
    for file in tokens.FONT_FILES:
        assert file.path.startswith("/assets/")
        assert (ROOT / file.path.lstrip("/")).read_bytes()[:4] == b"wOF2"
    assert "SIL Open Font License" in (ROOT / "assets/fonts/LICENSE-Inter.txt").read_text()
    assert "http" not in tokens.font_faces()


def test_the_config_file_is_what_the_tokens_say():
    text = CONFIG.read_text()
    assert with_theme(text) == text


def test_writing_the_theme_keeps_the_servers_options():
    server = '[server]\nheadless = true\n\n[theme]\nbase = "dark"\n'.partition("[theme]")[0]
    once = with_theme(server)
    assert once.startswith("[server]\nheadless = true\n")
    assert with_theme(once) == once
    assert tomllib.loads(once)["theme"]["light"]["primaryColor"] == tokens.LIGHT.accent


def test_streamlit_knows_every_theme_option_that_is_written():
    from streamlit import config

    known = set(config.get_config_options())
    written = {f"{section}.{name}" for section, options in theme_options().items() for name in options}
    assert written <= known


def test_gradio_paints_every_colour_from_the_tokens_in_both_modes():
    css = gradio_theme()._get_theme_css()
    light, dark = css.split("dark", 1)
    assert f"--button-primary-background-fill: {tokens.LIGHT.accent};" in light
    assert f"--button-primary-background-fill: {tokens.DARK.accent};" in dark
    stock = ("#f97316", "#ea580c", "#fb923c", "IBM Plex", "Source Sans")
    assert not [word for word in stock if word in css]


def test_both_halves_use_the_same_typeface_and_variables():
    for css in (gradio_css(), first_paint()):
        assert all(file.path in css for file in tokens.FONT_FILES)
        assert "http:" not in css.replace("http://www.w3.org", "")
    names = set(re.findall(r"(--vt-[a-z0-9-]+):", gradio_css()))
    assert set(re.findall(r"(--vt-[a-z0-9-]+):", both_modes())) <= names
    local = {
        "--vt-view-top",
        "--vt-weight",
        "--vt-part",
        "--vt-scale-map",
        "--vt-columns",
    }  # set on elements, not tokens
    for css in (gradio_css(), shell_css(), (ROOT / "components/embed.css").read_text()):
        assert set(re.findall(r"var\((--vt-[a-z0-9-]+)", css)) <= names | local


def test_the_first_paint_knows_both_themes_and_is_the_same_for_all():
    script = re.search(r"<script>(.*)</script>", first_paint(), re.DOTALL)
    assert script is not None
    assert script[1].count(tokens.DARK.ground) >= 1
    assert script[1].count(tokens.LIGHT.ground) >= 1
    assert first_paint() == first_paint()
