"""Two to four runs side by side, one file a kind of result."""
