"""Medical imaging: its playground in a frame; `?session=...&run=...` opens what was saved."""

from __future__ import annotations

from components.embed import show_playground

show_playground("medical")
