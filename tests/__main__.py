"""The runner behind `./run test`: lint, types, contracts, migrations, then the tests on both
databases.

Pure tests run once, tests that use a database on SQLite and on a private PostgreSQL, stack tests
on PostgreSQL and those marked `smoke` on SQLite too; `--full` runs every stack test on both.
Arguments that it does not know go to pytest, and with a path or `-k` among them only the tests
run.
"""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from project.devstack.postgres import NoPostgres, Postgres

ROOT = Path(__file__).resolve().parents[1]
CODE = ("manage.py", "project", "schedules", "tasks", "tests", "bench", "chaos")
COUNTED = ("passed", "failed", "error", "errors", "skipped")
NOTHING_SELECTED = 5  # pytest's exit code


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of pytest: the tests that `marks` selects, on PostgreSQL or on SQLite."""

    title: str
    marks: str
    on_postgres: bool = False


def passes(*, full: bool) -> list[Pass]:
    """Return the runs of pytest, in order."""
    return [
        Pass("pure tests and database tests on SQLite", "not stack"),
        Pass("database tests on PostgreSQL", "database and not stack", on_postgres=True),
        Pass("stack tests on PostgreSQL", "stack", on_postgres=True),
        Pass("stack tests on SQLite", "stack" if full else "stack and smoke"),
    ]


def checks() -> list[list[str]]:
    """Return the commands that look at the code without running it."""
    code = [name for name in CODE if any((ROOT / name).rglob("*.py")) or (ROOT / name).is_file()]
    python = sys.executable
    wanted = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy", *code],
        [python, "manage.py", "makemigrations", "--check", "--dry-run"],
    ]
    if "importlinter" in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]:
        wanted.insert(3, [str(Path(python).with_name("lint-imports")), "--no-cache"])
    return wanted


def run_check(command: Sequence[str]) -> bool:
    """Run one of the `checks` and say how it went; True if it found nothing."""
    say(f"== {' '.join([Path(command[0]).name, *command[1:]])}")
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    return done.returncode == 0


def run_pytest(
    one: Pass, *, postgres: Postgres, arguments: Sequence[str]
) -> tuple[bool, Counter[str]]:
    """Run pytest once; return whether all went well and how many tests ended how."""
    say(f"== pytest: {one.title}")
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if one.on_postgres:
        environment["DATABASE_URL"] = postgres.url()
    command = [sys.executable, "-m", "pytest", "-m", one.marks, *arguments]
    counts: Counter[str] = Counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        last = ""
        for line in running.stdout or ():
            say(line.rstrip("\n"))
            last = line if line.strip() else last
        code = running.wait()
    for number, word in re.findall(r"(\d+) (\w+)", last):
        if word in COUNTED:
            counts[word] += int(number)
    return code in (0, NOTHING_SELECTED), counts


def say(line: str) -> None:
    """Write a line at once, so that it stands between the right lines of the commands."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run_all_passes(*, full: bool, arguments: Sequence[str]) -> tuple[bool, Counter[str]]:
    """Run every pass; return whether all went well and the totals. Raises NoPostgres."""
    totals: Counter[str] = Counter()
    went_well = True
    with Postgres() as postgres:
        for one in passes(full=full):
            passed, counts = run_pytest(one, postgres=postgres, arguments=arguments)
            went_well &= passed
            totals += counts
    return went_well, totals


def main(given: Sequence[str]) -> int:
    """Run everything; return 0 if all is well and 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="run test", description=__doc__.partition("\n")[0], allow_abbrev=False
    )
    parser.add_argument("--full", action="store_true", help="every stack test on both databases")
    options, arguments = parser.parse_known_args(given)
    only_tests = any(not each.startswith("-") or each.startswith("-k") for each in arguments)
    failed_checks = (
        [] if only_tests else [command for command in checks() if not run_check(command)]
    )
    try:
        went_well, totals = run_all_passes(full=options.full, arguments=arguments)
    except NoPostgres as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for command in failed_checks:
        say(f"failed: {' '.join([Path(command[0]).name, *command[1:]])}")
    failed = totals["failed"] + totals["error"] + totals["errors"] + len(failed_checks)
    skipped = f", {totals['skipped']} skipped" if totals["skipped"] else ""
    say(f"{totals['passed']} passed, {failed} failed{skipped}")
    return 0 if went_well and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
