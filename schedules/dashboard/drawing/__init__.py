"""Drawings as inline SVG, made by pure functions from values.

Colours are classes of `drawings.css`.

Every drawing has the role of an image, a title and a description; pages put the same figures beside
it as a table where there is more to read than the description says.
"""
