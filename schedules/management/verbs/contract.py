"""`scheduler openapi | types`: the API's contract, for programs that generate clients."""

import json
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedules.api.typescript import write_types
from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode

SUMMARIES = {
    "openapi": "Print the OpenAPI 3.1 document of the REST API.",
    "types": "Print the TypeScript types of the REST API.",
}
FILES = {"openapi": "openapi.json", "types": "scheduler.ts"}


@dataclass(frozen=True, slots=True)
class Contract:
    """One of the two verbs, in the form that the command takes its verbs in."""

    name: str

    @property
    def HELP(self) -> str:  # noqa: N802 - what every verb's module calls it
        """The summary, and examples."""
        return (
            f"{SUMMARIES[self.name]}\n\nWith --output it is written to a file. With --check nothing"
            "\nis written: exit code 1 when the file is not what it would be.\n\nexamples:\n"
            f"  manage.py scheduler {self.name} --output {FILES[self.name]}\n"
            f"  manage.py scheduler {self.name} --output {FILES[self.name]} --check --json"
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--output", metavar="FILE", help="Write it there.")
        parser.add_argument("--check", action="store_true", help="Only compare with --output.")
        parser.add_argument("--json", action="store_true", help="One JSON document.")

    def run(self, options: dict[str, Any], console: Console) -> ExitCode:
        """Print, write or compare."""
        if options["check"] and options["output"] is None:
            raise InvalidInput("output", "none", "the file that --check compares")
        document = _document()
        text = (
            json.dumps(document, ensure_ascii=False, indent=2) + "\n"
            if self.name == "openapi"
            else write_types(document)
        )
        if options["output"] is None:
            console.document(document if self.name == "openapi" else {"types": text})
            for line in text.splitlines():
                console.text(line)
            return ExitCode.OK
        file = Path(options["output"])
        is_current = options["check"] and _holds(file, text)
        if not options["check"]:
            _write(file, text)
        console.document({"file": str(file), "isCurrent": is_current or not options["check"]})
        if options["check"] and not is_current:
            console.text(f"{file} is not what it should be: run it again without --check.")
            return ExitCode.PROBLEM
        console.text(f"{file} is current.")
        return ExitCode.OK


def _holds(file: Path, text: str) -> bool:
    try:
        return file.read_bytes() == text.encode()
    except OSError:
        return False


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        accepted = f"a file that can be written ({error.strerror})"
        raise InvalidInput("output", str(file), accepted) from None


def _document() -> dict[str, Any]:
    from schedules.api.site import api

    document: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
    return document


openapi, types = (Contract(name) for name in SUMMARIES)
