"""Everything derived from an experiment or a session once, for all playgrounds: replay, comparison, archive, code.

Pure functions where possible; knows the runtime and the store, and no playground and no UI.
"""
