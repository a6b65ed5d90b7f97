"""`scheduler pause-all | resume-all`: the pause of everything."""

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.operations.switch import pause_all, resume_all
from schedules.querysets.clock import database_now


@dataclass(frozen=True, slots=True)
class Everything:
    """One of the two verbs, in the form that the command takes its verbs in."""

    name: str
    summary: str

    @property
    def HELP(self) -> str:  # noqa: N802 - what every verb's module calls it
        """The summary, and an example."""
        return (
            f"{self.summary}\n\nexamples:\n"
            f'  manage.py scheduler {self.name} --reason "database move" --json'
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
        if self.name == "pause-all":
            parser.add_argument("--drain", action="store_true", help="Let what is queued finish.")
        parser.add_argument("--json", action="store_true", help='{"isPaused": …}.')

    def run(self, options: dict[str, Any], console: Console) -> ExitCode:
        """Pause or resume, and say so."""
        now, by = database_now(), operator_name()
        if self.name == "pause-all":
            pause = pause_all(
                by=by, source="cli", now=now, reason=options["reason"], drain=options["drain"]
            )
            console.document({"isPaused": True, "by": pause.by, "reason": pause.reason})
            console.text(f"Everything is paused by {pause.by}.")
            return ExitCode.OK
        was_paused = resume_all(by=by, source="cli", now=now, reason=options["reason"])
        console.document({"isPaused": False, "wasPaused": was_paused})
        console.text("Everything goes on." if was_paused else "Nothing was paused as a whole.")
        return ExitCode.OK


halt = Everything("pause-all", "Plan nothing from now on; occurrences are recorded as skipped.")
go_on = Everything("resume-all", "End the pause of everything.")
