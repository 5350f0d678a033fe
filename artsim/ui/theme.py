"""Colours and fonts, shared by Gradio's controls and artsim's own HTML (`style.css` reads `--art-*`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SANS = (
    "ui-sans-serif",
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Helvetica Neue",
    "Noto Sans",
    "sans-serif",
)
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


@dataclass(frozen=True)
class Palette:
    paper: str
    """Background of the page."""
    raised: str
    """Background of fields and dialogs."""
    wall: str
    """Background of pictures."""
    line: str
    edge: str
    """Borders of controls; contrast 3:1 on `paper`."""
    ink: str
    muted: str
    accent: str
    on_accent: str


LIGHT = Palette("#fbfaf7", "#ffffff", "#f0ede6", "#e2ddd2", "#8f887b", "#1d1b18", "#645f55", "#9a3324", "#ffffff")
DARK = Palette("#141311", "#1c1a18", "#1f1d1a", "#33302b", "#787165", "#eeebe4", "#aaa396", "#e8957f", "#1a1210")


def palette_css() -> str:
    """CSS custom properties of both palettes; the class `dark` of the body selects `DARK`."""
    rules = []
    for selector, palette in ((":root", LIGHT), (".dark", DARK)):
        properties = [f"--art-{name.replace('_', '-')}: {colour};" for name, colour in vars(palette).items()]
        rules.append(f"{selector} {{ {' '.join(properties)} }}\n")
    return "".join(rules)


def build_theme() -> Any:
    import gradio as gr

    theme = gr.themes.Base(
        neutral_hue=gr.themes.colors.stone,
        font=[gr.themes.Font(name) for name in SANS],
        font_mono=[gr.themes.Font(name) for name in MONO],
        radius_size=gr.themes.sizes.radius_sm,
        text_size=gr.themes.sizes.text_md,
    )
    colours: dict[str, tuple[str, ...]] = {
        "paper": ("body_background_fill", "background_fill_primary", "block_background_fill", "panel_background_fill"),
        "raised": ("input_background_fill", "input_background_fill_focus", "button_secondary_background_fill",
                   "background_fill_secondary", "checkbox_background_color"),
        "wall": ("input_background_fill_hover", "button_secondary_background_fill_hover"),
        "line": ("border_color_primary", "block_border_color"),
        "edge": ("input_border_color", "button_secondary_border_color", "checkbox_border_color"),
        "ink": ("body_text_color", "block_label_text_color", "block_title_text_color", "button_secondary_text_color"),
        "muted": ("body_text_color_subdued", "block_info_text_color", "input_placeholder_color"),
        "accent": ("color_accent", "slider_color", "button_primary_background_fill", "link_text_color",
                   "link_text_color_active", "link_text_color_visited", "input_border_color_focus",
                   "checkbox_background_color_selected", "checkbox_border_color_selected", "border_color_accent"),
        "on_accent": ("button_primary_text_color",),
    }  # fmt: skip
    values = {
        f"{variable}{suffix}": getattr(palette, colour)
        for colour, variables in colours.items()
        for variable in variables
        for suffix, palette in (("", LIGHT), ("_dark", DARK))
        if variable != "color_accent" or not suffix
    }
    return theme.set(
        **values,
        block_border_width="0px",
        block_shadow="none",
        block_padding="0px",
        block_title_text_size="0.8125rem",
        block_title_text_weight="600",
        button_primary_shadow="none",
        button_secondary_shadow="none",
        input_border_width="1px",
        input_shadow="none",
        input_shadow_focus="none",
    )
