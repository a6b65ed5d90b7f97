"""The checks that code declares for a job's results: expressions, and functions by their name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schedules.errors import InvalidInput
from schedules.expressions import parse

Checker = Callable[[Any], str | None]
"""Gets a `CheckedRun` and returns what is wrong with it, in a sentence, or None."""

MARK = "@"
"""Before the name of a function in a job's list of checks."""

MOST_CHECKS = 20


def named_checkers(checks: Sequence[str | Checker]) -> dict[str, Checker]:
    """Return the functions among the checks by how a job's list names them."""
    functions = [check for check in checks if not isinstance(check, str)]
    return {f"{MARK}{getattr(each, '__name__', each)}": each for each in functions}


def texts_of(checks: Sequence[str | Checker]) -> list[str]:
    """Return the checks as a job's list holds them, in their order."""
    names = {id(each): name for name, each in named_checkers(checks).items()}
    return [check if isinstance(check, str) else names[id(check)] for check in checks]


def check_texts(texts: Any, *, known: Mapping[str, object]) -> None:
    """Raise InvalidInput for what is no list of texts, for a text that is no expression and names
    no known function, for one that is there twice, and for too many.
    """
    if not (isinstance(texts, list) and all(isinstance(text, str) for text in texts)):
        raise InvalidInput("checks", texts, "a list of texts")
    if len(texts) > MOST_CHECKS:
        raise InvalidInput("checks", f"{len(texts)} of them", f"at most {MOST_CHECKS}")
    for place, text in enumerate(texts):
        if text in texts[:place]:
            raise InvalidInput("checks", text, "each check once")
        if not text.startswith(MARK):
            parse(text)
        elif text not in known:
            names = ", ".join(known) or "none"
            accepted = f"a function that the task declares in checks=[...]: {names}"
            raise InvalidInput("checks", text, accepted)
