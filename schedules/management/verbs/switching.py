"""`scheduler enable | disable | pause | resume`: switching one job."""

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import instant, job_named
from schedules.models import Job
from schedules.operations.last_runs import with_last_runs
from schedules.operations.shapes import job_shape
from schedules.operations.switch import (
    disable_job,
    enable_job,
    pause_job,
    resume_job,
    skipped_by_pause,
)
from schedules.querysets.clock import database_now

SUMMARIES = {
    "enable": "Let a job run by its timetable again, from now on.",
    "disable": "Stop a job from running; what waits of it ends as skipped.",
    "pause": "Suspend a job: its occurrences are recorded as skipped, with the reason.",
    "resume": "End a job's pause; what it skipped stays skipped.",
}
DONE = {"enable": "enabled", "disable": "disabled", "pause": "paused", "resume": "resumed"}


@dataclass(frozen=True, slots=True)
class Switch:
    """One of the four verbs, in the form that the command takes its verbs in."""

    name: str

    @property
    def HELP(self) -> str:  # noqa: N802 - what every verb's module calls it
        """The summary, and examples."""
        until = " --until 2026-12-24T00:00:00Z" if self.name == "pause" else ""
        return (
            f"{SUMMARIES[self.name]}\n\nexamples:\n"
            f'  manage.py scheduler {self.name} end_of_day{until} --reason "agreed with finance"\n'
            f"  manage.py scheduler {self.name} 17 --json"
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("job", metavar="JOB", help="Key or number of the job.")
        parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
        if self.name == "pause":
            parser.add_argument("--until", metavar="ISO", help="When it ends by itself.")
        parser.add_argument("--json", action="store_true", help="The job as one JSON document.")

    def run(self, options: dict[str, Any], console: Console) -> ExitCode:
        """Switch the job and show it."""
        before = job_named(options["job"])
        job = self._switch(before, options)
        with_last_runs([job])
        console.document(job_shape(job))
        console.text(f"Job {job.key} is {DONE[self.name]}.")
        if self.name == "resume" and before.paused_at is not None:
            skipped = skipped_by_pause(job, since=before.paused_at)
            console.text(f"Its pause has skipped {skipped} run{'' if skipped == 1 else 's'}.")
        return ExitCode.OK

    def _switch(self, job: Job, options: dict[str, Any]) -> Job:
        common: dict[str, Any] = {
            "by": operator_name(),
            "source": "cli",
            "now": database_now(),
            "reason": options["reason"],
        }
        if self.name == "pause":
            until = instant(options["until"], field="until") if options["until"] else None
            return pause_job(job, until=until, **common)
        verbs = {"enable": enable_job, "disable": disable_job, "resume": resume_job}
        return verbs[self.name](job, **common)


enable, disable, pause, resume = (Switch(name) for name in SUMMARIES)
