"""`scheduler doctor`: what is wrong, and what to do about it."""

import os
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.operations.doctor import examine
from schedules.operations.findings import Finding
from schedules.querysets.clock import database_now

HELP = """\
Look for what is wrong with this installation, and say what to do about it.

Looks at triggers, Beats, workers, pauses, declared jobs, jobs that are invalid,
late, flagged or never run again, and runs that wait or run for too long.
Exit code 1 when something is found.

examples:
  manage.py scheduler doctor
  manage.py scheduler doctor --json | jq '.items[].remedy'"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the findings."""
    findings = [*examine(now=database_now()), *_lonely_settings()]
    console.document({"items": [asdict(finding) for finding in findings]})
    for finding in findings:
        console.text(f"{finding.check}: {finding.found}. To mend it, {finding.remedy}.")
    if not findings:
        console.text("Nothing is wrong.")
    return ExitCode.PROBLEM if findings else ExitCode.OK


def _lonely_settings() -> list[Finding]:
    """Names that one of the replaced systems took its database from; here they do nothing."""
    lonely = [
        name
        for name in ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY")
        if os.environ.get(name) and not os.environ.get("DATABASE_URL")
    ]
    if not lonely:
        return []
    return [
        Finding(
            check="settings",
            found=f"{' and '.join(lonely)} without DATABASE_URL: the database is not Supabase's",
            remedy="put the project's PostgreSQL connection string into DATABASE_URL",
        )
    ]
