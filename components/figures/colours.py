"""Colours of magnitudes: viridis (van der Walt and Smith, 2015) from the tokens' ten steps, mixed in sRGB."""

from __future__ import annotations

from components.theme.tokens import VIRIDIS


def viridis(part: float) -> str:
    """The colour of `part` in [0, 1] of the scale, as #rrggbb."""
    at = min(1.0, max(0.0, part)) * (len(VIRIDIS) - 1)
    low = min(int(at), len(VIRIDIS) - 2)
    one, two = (tuple(int(VIRIDIS[index][i : i + 2], 16) for i in (1, 3, 5)) for index in (low, low + 1))
    return "#" + "".join(f"{round(a + (b - a) * (at - low)):02x}" for a, b in zip(one, two, strict=True))
