"""The small language in which people say what a good result looks like.

    created + skipped + errors == total_employees
    total >= 0.8 * median(total, last=10, same_weekday=True)
    took < 3 * p95(took)

It is read by Python's own parser, because people know its rules of precedence and it is kept well;
of what the parser finds only numbers, names, sums, comparisons, and/or/not and the functions below
are let in, and our own walk works them out. Nothing is ever handed to the interpreter. Names stand
for numbers only, there are no powers, and size and depth are bounded, so that the dearest
expression costs less than a millisecond.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any, NamedTuple

from schedules.errors import InvalidInput

Number = float | int | bool

LONGEST = 500
MOST_PARTS = 100
DEEPEST = 20
LARGEST = 10**15
"""Of a number that is written down."""

USUAL_LAST = 10
MOST_LAST = 100
LEAST_VALUES = 3
"""With fewer earlier values a comparison with them says nothing."""


class Look(NamedTuple):
    """Earlier values of a number: the newest `last`, perhaps only of runs on the same weekday."""

    name: str
    last: int
    same_weekday: bool


History = Callable[[Look], Sequence[float]]
"""Answers with the values, the newest first; fewer where there are no more."""


class NoHistory(Exception):
    """There are not enough earlier values yet."""


class Undecidable(Exception):
    """The numbers that the expression names are not there, or cannot be worked with."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one expression."""

    holds: bool | None
    """None where there is not enough history to compare with."""
    reason: str = ""
    """Why it does not hold, or could not be decided, in words and numbers."""
    numbers: Mapping[str, Number] = field(default_factory=dict)
    """What each name and each function in it came to, in the order of their appearance."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One that was read and is sound."""

    text: str
    body: ast.expr

    @property
    def names(self) -> list[str]:
        """The numbers of a run that it speaks of, each once."""
        found = (node.id for node in ast.walk(self.body) if isinstance(node, ast.Name))
        return [name for name in dict.fromkeys(found) if name not in _FUNCTIONS]

    @property
    def looks(self) -> list[Look]:
        """The earlier values that it asks for."""
        return [
            _look(node)
            for node in ast.walk(self.body)
            if isinstance(node, ast.Call) and _looks_back(node)
        ]

    def judge(self, numbers: Mapping[str, Number], history: History) -> Finding:
        """Say whether the expression holds for these numbers. Never raises."""
        evaluation = _Evaluation(numbers, history)
        seen = evaluation.seen
        try:
            holds = bool(evaluation.of(self.body))
        except NoHistory as error:
            return Finding(None, str(error), seen)
        except (Undecidable, ArithmeticError) as error:
            return Finding(False, str(error) or type(error).__name__, seen)
        shown = ", ".join(f"{name} = {_written(value)}" for name, value in seen.items())
        return Finding(holds, "" if holds else shown, seen)


def parse(text: str) -> Expression:
    """Read an expression. Raises InvalidInput, with what was found and what is accepted."""
    if not 0 < len(text.strip()) <= LONGEST:
        raise _refused(text[:40], f"an expression of 1 to {LONGEST} characters")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(text, 'an expression, for example "errors == 0 and total > 0"') from None
    for count, (node, depth) in enumerate(_parts(body, 1), start=1):
        if count > MOST_PARTS or depth > DEEPEST:
            accepted = f"an expression of at most {MOST_PARTS} parts, {DEEPEST} deep"
            raise _refused(text, accepted)
        _check(node, text)
    if not isinstance(body, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Name):
        raise _refused(text, "a comparison, such as errors == 0: something that holds or does not")
    return Expression(text.strip(), body)


def _parts(node: ast.expr, depth: int) -> Iterator[tuple[ast.expr, int]]:
    """Yield the expressions in it; not the name of a function, which `_check` looks at."""
    yield node, depth
    if depth > DEEPEST:
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and not (isinstance(node, ast.Call) and child is node.func):
            yield from _parts(child, depth + 1)


def _check(node: ast.expr, text: str) -> None:
    """Let in what the language has; refuse everything else by its own words."""
    match node:
        case ast.Name(id=name) if name not in _FUNCTIONS:
            return
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int() | float() as value) if abs(value) <= LARGEST:
            return
        case ast.BoolOp() | ast.Compare(ops=_) if _has_known_operators(node):
            return
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            return
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            return
        case ast.Call(func=ast.Name(id=name)) if name in _FUNCTIONS:
            if _is_sound_call(node, name):
                return
            accepted = (
                f"{name}(x)"
                if name == "abs"
                else f"{name}(name, last=1..{MOST_LAST},"
                " same_weekday=True or False), of which only the name must be there"
            )
            raise _refused(_source(node, text), accepted)
    known = ", ".join(_FUNCTIONS)
    raise _refused(
        _source(node, text),
        f"names of numbers, numbers, + - * / %, comparisons, and, or, not, and {known}",
    )


def _has_known_operators(node: ast.expr) -> bool:
    if isinstance(node, ast.Compare):
        return all(type(op) in _COMPARISONS for op in node.ops)
    return True


def _is_sound_call(node: ast.Call, name: str) -> bool:
    if name == "abs":
        return len(node.args) == 1 and not node.keywords
    if len(node.args) != 1 or not isinstance(node.args[0], ast.Name):
        return False
    given = {each.arg: each.value for each in node.keywords}
    if not set(given) <= {"last", "same_weekday"} or len(given) != len(node.keywords):
        return False
    last, weekday = given.get("last"), given.get("same_weekday")
    return (last is None or _is_count(last)) and (
        weekday is None or (isinstance(weekday, ast.Constant) and isinstance(weekday.value, bool))
    )


def _is_count(node: ast.expr) -> bool:
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_LAST


class _Evaluation:
    """Works an expression out; what names and functions come to is noted in `seen`."""

    def __init__(self, numbers: Mapping[str, Number], history: History) -> None:
        self.numbers = numbers
        self.history = history
        self.seen: dict[str, Number] = {}

    def of(self, node: ast.expr) -> Number:
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return value
            case ast.Name(id=name):
                return self._named(name)
            case ast.BinOp(left=left, op=op, right=right):
                return _ARITHMETIC[type(op)](self.of(left), self.of(right))
            case ast.Call(args=[argument]):
                return self._looked_back(node) if _looks_back(node) else abs(self.of(argument))
        return self._fact(node)

    def _fact(self, node: ast.expr) -> Number:
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                return all(self.of(part) for part in parts)
            case ast.BoolOp(values=parts):
                return any(self.of(part) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.of(operand)
            case ast.UnaryOp(operand=operand):
                return -self.of(operand)
        assert isinstance(node, ast.Compare)
        values = [self.of(part) for part in (node.left, *node.comparators)]
        pairs = zip(values, node.ops, values[1:], strict=False)
        return all(_COMPARISONS[type(op)](a, b) for a, op, b in pairs)

    def _named(self, name: str) -> Number:
        if name not in self.numbers:
            raise Undecidable(f"the result has no number {name!r}")
        return self.seen.setdefault(name, self.numbers[name])

    def _looked_back(self, node: ast.Call) -> Number:
        look, function = _look(node), _function_of(node)
        values = self.history(look)
        if len(values) < (1 if function == "previous" else LEAST_VALUES):
            raise NoHistory(f"there are {len(values)} earlier values of {look.name} so far")
        return self.seen.setdefault(ast.unparse(node), _OVER_TIME[function](values))


def _look(node: ast.Call) -> Look:
    given: dict[str | None, Any] = {
        each.arg: each.value.value for each in node.keywords if isinstance(each.value, ast.Constant)
    }
    name = node.args[0]
    assert isinstance(name, ast.Name)
    last = 1 if _function_of(node) == "previous" else given.get("last", USUAL_LAST)
    return Look(name.id, last, given.get("same_weekday", False))


def _looks_back(node: ast.Call) -> bool:
    return _function_of(node) in _OVER_TIME


def _function_of(node: ast.Call) -> str:
    assert isinstance(node.func, ast.Name)
    return node.func.id


def _source(node: ast.expr, text: str) -> str:
    return ast.get_source_segment(text.strip(), node) or text


def _written(value: Number) -> str:
    return str(value) if isinstance(value, bool | int) else f"{value:.10g}"


def _refused(found: str, accepted: str) -> InvalidInput:
    return InvalidInput("checks", found, accepted)


def _p95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]


_ARITHMETIC: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Number, Number], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_OVER_TIME: Mapping[str, Callable[[Sequence[float]], float]] = {
    "median": median,
    "mean": fmean,
    "p95": _p95,
    "lowest": min,
    "highest": max,
    "previous": lambda values: values[0],
}
_FUNCTIONS = (*_OVER_TIME, "abs")
