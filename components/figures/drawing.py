"""A stored figure as Plotly draws it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def drawing(spec: Mapping[str, Any]) -> Any:
    """The figure, less what Plotly does not know: one from an imported archive may say anything."""
    import plotly.graph_objects as go  # heavy, and only where there is a figure
    import plotly.io

    try:
        return plotly.io.from_json(json.dumps(dict(spec)), skip_invalid=True)
    except (ValueError, TypeError, AttributeError):
        return go.Figure()  # its numbers stand below it
