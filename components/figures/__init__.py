"""Plotly figures: pure functions, data in, figure out."""
