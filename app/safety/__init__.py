"""The guards at the door: small ASGI layers around the whole application, so that both halves are behind them.

They know HTTP, the settings and the visitor cookie; nothing of models, runs or pages.
"""
