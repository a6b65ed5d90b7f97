"""The few shapes that all drawings are made of."""

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

NOTHING = mark_safe("")


def drawing(
    shapes: Iterable[SafeString],
    *,
    width: float,
    height: float,
    title: object,
    description: object,
    kind: str,
) -> SafeString:
    """Put shapes together into a picture that scales with its place on the page."""
    return format_html(
        '<svg class="drawing {}" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>",
        kind,
        number(width),
        number(height),
        title,
        title,
        description,
        together(shapes),
    )


def together(shapes: Iterable[SafeString]) -> SafeString:
    """Return shapes as one."""
    return format_html_join("", "{}", ((shape,) for shape in shapes))


def rectangle(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    kind: str,
    title: object = "",
    rounded: float = 0,
) -> SafeString:
    """Return a filled rectangle; `title` is what a pointer that rests on it is told."""
    return format_html(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="{}">{}</rect>',
        kind,
        number(x),
        number(y),
        number(max(width, 0)),
        number(max(height, 0)),
        number(rounded),
        format_html("<title>{}</title>", title) if title else NOTHING,
    )


def path(commands: str, *, kind: str) -> SafeString:
    """Return a path; `commands` are made of numbers only."""
    return format_html('<path class="{}" d="{}"/>', kind, commands)


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str) -> SafeString:
    """Return a straight line."""
    return format_html(
        '<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>',
        kind,
        number(x1),
        number(y1),
        number(x2),
        number(y2),
    )


def text(x: float, y: float, words: object, *, kind: str = "label") -> SafeString:
    """Return a line of text."""
    return format_html(
        '<text class="{}" x="{}" y="{}">{}</text>', kind, number(x), number(y), words
    )


def number(value: float) -> str:
    """Return a coordinate without needless digits, in the form that SVG reads."""
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return shown if shown not in ("-0", "") else "0"
