"""A session as slides: one result a slide, as a live page or as one file that needs nothing else.

One renderer writes both. It knows values and bytes only; who may read them is settled before.
"""
