"""The text of a file: YAML, read into plain values with the line of each, and written.

PyYAML's parser (libyaml) reads the text as events, of which only what JSON could say is taken: no
aliases and no tags, so a short text stays short, and no deep nesting. Values are understood as
PyYAML's safe loader does, but a date stays text.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from schedules.errors import InvalidInput

MOST_CHARACTERS = 20_000_000
"""Of a file; ten thousand jobs with all their names need three million."""

DEEPEST = 20

Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Path = tuple[str | int, ...]


class InvalidFile(InvalidInput):
    """A text that is refused, with the line at which it is wrong."""

    def __init__(self, line: int, where: str, found: object, accepted: str) -> None:
        shown = f"{where} is {found!r}" if where else found
        super().__init__("file", f"line {line}: {shown}", accepted)
        self.line = line

    def __str__(self) -> str:
        return f"{self.found}: {self.accepted}."


@dataclass(slots=True)
class Document:
    """The values of a file, and at which line each begins."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int:
        """Return the line of the value at `path`, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def refuse(self, path: Path, found: object, accepted: str) -> InvalidFile:
        """Return the refusal of the value at `path`."""
        where = ".".join(str(step) for step in path)
        return InvalidFile(self.line_of(path), where, found, accepted)

    @contextmanager
    def placing(self, *path: str, names: Mapping[str, str]) -> Iterator[None]:
        """Within it, let a refusal say where in the file it belongs: at its field's word in `names`
        below `path`.
        """
        try:
            yield
        except InvalidFile:
            raise
        except InvalidInput as error:
            place = (*path, names.get(error.field, error.field))
            raise self.refuse(place, error.found, error.accepted) from None


def read_text(text: str) -> Document:
    """Return what the text says. Raises InvalidFile."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidFile(1, "", f"{len(text)} characters", f"at most {MOST_CHARACTERS}")
    try:
        events = yaml.parse(text, Loader=Parser)
        return _Reader(events).read()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidFile(line, "", "a character", "text that YAML allows") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = (error.problem or "not YAML").partition("\n")[0]
        line = int(getattr(mark, "line", 0)) + 1
        raise InvalidFile(line, "", problem, "a YAML document") from None


def write_text(value: Any) -> str:
    """Return the value as YAML, its keys in the order they have."""
    text: str = yaml.dump(
        value, Dumper=Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )
    return text


class _Reader:
    """Builds values from events, one level of nesting at a time."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._document = Document(None)

    def read(self) -> Document:
        for event in self._events:
            if isinstance(event, yaml.NodeEvent):
                self._document.value = self._value(event, ())
                break
        for event in self._events:
            if isinstance(event, yaml.NodeEvent):
                line = _line_of(event)
                raise InvalidFile(line, "", "a second document", "one document")
        return self._document

    def _value(self, event: Any, path: Path) -> Any:
        line = _line_of(event)
        self._document.lines.setdefault(path, line)
        if isinstance(event, yaml.AliasEvent):
            raise InvalidFile(line, "", f"*{event.anchor}", "values written out; no aliases")
        if event.tag is not None and event.tag != "!":
            raise InvalidFile(line, "", event.tag, "plain values; no tags")
        if len(path) > DEEPEST:
            raise InvalidFile(line, "", "a nested value", f"at most {DEEPEST} levels")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event.value, event.implicit[0], line)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._mapping(path)

    def _list(self, path: Path) -> list[Any]:
        values: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            line = _line_of(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise InvalidFile(line, "", "a value as a key", "a word as a key")
            key = event.value
            if key in values:
                raise InvalidFile(line, ".".join(map(str, path)), key, "each key once")
            self._document.lines[(*path, key)] = line
            values[key] = self._value(next(self._events), (*path, key))
        return values


def _line_of(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(text: str, is_plain: bool, line: int) -> Any:
    if not is_plain:
        return text
    try:
        return _plain(text)
    except (ValueError, OverflowError):
        raise InvalidFile(line, "", text, "a number or a word in quotes") from None


_resolver: Any = Resolver()
_constructor: Any = SafeConstructor()
_READERS: dict[str, Any] = {
    "null": _constructor.construct_yaml_null,
    "bool": _constructor.construct_yaml_bool,
    "int": _constructor.construct_yaml_int,
    "float": _constructor.construct_yaml_float,
}


@lru_cache(maxsize=4096)
def _plain(text: str) -> Any:
    """Return what a word without quotes means."""
    tag: str = _resolver.resolve(yaml.ScalarNode, text, (True, False))
    read = _READERS.get(tag.rpartition(":")[2])
    return text if read is None else read(yaml.ScalarNode(tag, text))
