"""`scheduler run | retry | cancel`: one run, by its execution id."""

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django_celery_results.models import TaskResult

from schedules.errors import Refused
from schedules.management.console import Console, ExitCode, NotFound
from schedules.management.operator import operator_name
from schedules.management.verbs.run_log import show_log
from schedules.models import Run
from schedules.operations.cancel import CANCELLED, cancel_run
from schedules.operations.listing import hosts_of
from schedules.operations.outcome_checks.judging import recheck_run, verdict_of
from schedules.operations.retry import retry_run
from schedules.operations.shapes import details_shape, run_shape
from schedules.querysets.clock import database_now

SUMMARIES = {
    "run": "Show one run: what went into it, what came out, and why.",
    "retry": "Run a run that has ended once more, as a new run.",
    "recheck": "Hold a success against the checks that its job has now.",
    "cancel": "Call off a run that waits; one that has started is refused (exit code 4).",
}


@dataclass(frozen=True, slots=True)
class OneRun:
    """One of the verbs, in the form that the command takes its verbs in."""

    name: str

    @property
    def HELP(self) -> str:  # noqa: N802 - what every verb's module calls it
        """The summary, and an example."""
        example = "6f0f6a3e-4a63-4c57-9d0c-0d6f0e1c8f4b"
        return (
            f"{SUMMARIES[self.name]}\n\nEXECUTION is the id that `scheduler runs` lists.\n\n"
            f"examples:\n  manage.py scheduler {self.name} {example} --json"
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("execution", metavar="EXECUTION", help="The run's id.")
        if self.name != "run":
            parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
        else:
            parser.add_argument("--log", action="store_true", help="The lines that it wrote.")
            parser.add_argument("--follow", action="store_true", help="The same, until it ends.")
        if self.name == "retry":
            parser.add_argument(
                "--idempotency-key", metavar="KEY", help="A second call with it plans nothing new."
            )
        parser.add_argument("--json", action="store_true", help="The run as one JSON document.")

    def run(self, options: dict[str, Any], console: Console) -> ExitCode:
        """Show, retry or cancel the run."""
        found = run_named(options["execution"])
        if self.name == "run" and (options["log"] or options["follow"]):
            return show_log(found, console, follow=options["follow"])
        if self.name == "run":
            result = TaskResult.objects.filter(task_id=str(found.task_id)).first()
            return show_run(found, console, details=details_shape(found, result, verdict_of(found)))
        common: dict[str, Any] = {
            "by": operator_name(),
            "source": "cli",
            "now": database_now(),
            "reason": options["reason"],
        }
        if self.name == "recheck":
            recheck_run(found, **common)
            result = TaskResult.objects.filter(task_id=str(found.task_id)).first()
            return show_run(found, console, details=details_shape(found, result, verdict_of(found)))
        if self.name == "retry":
            key = options["idempotency_key"]
            return show_run(retry_run(found, **common, idempotency_key=key), console)
        answer = cancel_run(found, **common)
        if answer != CANCELLED:
            raise Refused(f"Run {found.task_id} has {answer.replace('_', ' ')}.")
        found.refresh_from_db()
        return show_run(found, console)


def run_named(text: str) -> Run:
    """Return the run with this id. Raises NotFound."""
    try:
        number = UUID(text)
    except ValueError:
        number = None
    run = number and Run.objects.select_related("job").filter(task_id=number).first()
    if not run:
        raise NotFound("execution", text, "the id of a run; `scheduler runs` lists them")
    return run


def show_run(run: Run, console: Console, *, details: dict[str, Any] | None = None) -> ExitCode:
    """Show the run, with `details` of it."""
    shape = {**run_shape(run, hosts=hosts_of([run])), **(details or {})}
    console.document(shape)
    for name, value in shape.items():
        if value not in (None, "", [], {}):
            console.text(f"{name:<15} {value}")
    return ExitCode.OK


show, retry, recheck, cancel = (OneRun(name) for name in SUMMARIES)
