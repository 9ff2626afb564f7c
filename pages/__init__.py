"""One short file per menu entry."""
