"""The runner behind `./run test`: lint, types, contracts, migrations, then the tests on both
databases.

Pure tests run once, tests that use a database on SQLite and on a private PostgreSQL (those marked
`once` on the latter only), stack tests on PostgreSQL and those marked `smoke` on SQLite too. The
stack tests wait more than they compute, and notice when others compute: so they have the right of
way, and the checks and the database tests, which compute all the time, get what they leave of the
processors. (pytest-xdist would start Django, and make a database, once more for each processor of
each pass, and would not know the difference between the two groups.)
"""

import argparse
import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from project.devstack.postgres import NoPostgres, Postgres
from tests import migrated
from tests.lanes import Ended, Group, Step, side_by_side
from tests.places import FOLDERS

ROOT = Path(__file__).resolve().parents[1]
CODE = ("manage.py", "project", "schedules", "tasks", "tests", "bench", "chaos")
COUNTED = ("passed", "failed", "error", "errors", "skipped")
NOTHING_SELECTED = 5  # pytest's exit code
STACK_LANES = 2  # of processes that mostly wait; more would disturb each other
EPILOG = """\
What it does not know goes to pytest, for example -x, -k WORDS or --lf; with a path or -k among the
arguments only tests run. `--python 3.13` is for ./run and chooses the Python. The last line tells
how many tests passed, failed and were skipped; a check that found something counts as failed.
The exit code is 0 if nothing failed, otherwise 1.
"""


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of pytest: the tests that `marks` selects, on PostgreSQL or on SQLite.

    Those with the marker `lives` are in folders that are known, and no others are collected.
    """

    name: str
    title: str
    marks: str
    lives: str = ""
    on_postgres: bool = False


def quick_passes(*, split: bool) -> tuple[Pass, ...]:
    """Return the runs of pytest in one process, the longest first, so that no lane is left with it.

    When they are `split`, those that need one database only are a pass of their own.
    """
    once = Pass(
        "postgres", "tests for one database, PostgreSQL", "once", lives="once", on_postgres=True
    )
    others = "not stack and not browser and not once"
    passes = (
        Pass(
            "postgres",
            "database tests on PostgreSQL",
            f"database and {others}" if split else "database and not stack and not browser",
            on_postgres=True,
        ),
        Pass("sqlite", "pure tests and database tests on SQLite", others),
        once,
        # In a process of its own: the browser's event loop stays in the thread that started it.
        Pass("browser", "tests in a browser, on SQLite", "browser", lives="browser"),
    )
    return passes if split else tuple(one for one in passes if one is not once)


def stack_passes(*, full: bool, split: bool) -> tuple[Pass, ...]:
    """Return the runs of pytest that start processes.

    When they are `split`, those that share one system and those that start their own are passes
    of their own, which is shorter for many tests and longer for a few. So are those of the second
    kind that run on SQLite too: otherwise the others would wait for them.
    """
    on_sqlite = "stack" if full else "stack and smoke"
    if not split:
        return (
            Pass("stack", "stack tests on PostgreSQL", "stack", on_postgres=True),
            Pass("stack", "stack tests on SQLite", on_sqlite),
        )
    shared, own = "tests of one running system", "tests that start systems of their own"
    postgres, sqlite = "on PostgreSQL", "on SQLite"
    return tuple(
        Pass("stack", f"{title}, {where}", marks, lives, on_postgres=where != sqlite)
        for title, where, marks, lives in (
            (own, postgres, "stack and not system and not smoke", "stack"),
            (own, f"{postgres} too", "stack and not system and smoke", "stack"),
            (shared, postgres, "stack and system", "system"),
            (own, sqlite, f"{on_sqlite} and not system", "stack"),
            (shared, sqlite, f"{on_sqlite} and system", "system"),
        )
    )


PARTS = ("checks", "sqlite", "postgres", "browser", "stack")


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


def check_step(command: Sequence[str]) -> Step:
    """Return the step of one of the `checks`."""
    title = " ".join([Path(command[0]).name, *command[1:]])
    return Step(title, command, environment(), gives_way=True)


def pytest_step(
    one: Pass,
    *,
    number: int,
    postgres: Postgres,
    variables: dict[str, str],
    arguments: Sequence[str],
    chosen_tests: bool,
) -> Step:
    """Return the step of one run of pytest. On PostgreSQL it gets a database of its own."""
    if one.on_postgres:
        variables = {**variables, "DATABASE_URL": postgres.create_database(f"pass_{number}")}
    cache = f"cache_dir=.pytest_cache/{number}"  # for --lf: each remembers its own failures
    command = [sys.executable, "-m", "pytest", "-o", cache, "-m", one.marks, *arguments]
    if not chosen_tests:
        command += FOLDERS.get(one.lives, ())
    return Step(f"pytest: {one.title}", command, variables, gives_way=one.name != "stack")


def environment() -> dict[str, str]:
    """Return the variables of a step: the caller's, but neither the database nor the wish that
    Python forgets what it has compiled. Hundreds of processes would each compile it again.
    """
    dropped = ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if name not in dropped}


def say(line: str) -> None:
    """Write a line at once, so that it stands between the right lines of the commands."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run_all(
    options: argparse.Namespace, *, chosen_tests: bool, arguments: Sequence[str]
) -> Iterator[Ended]:
    """Run everything that is wanted and yield how each step ended. Raises NoPostgres.

    With `chosen_tests` the arguments say which tests, and there are no checks.
    """
    parts = options.only or PARTS
    looks = [] if chosen_tests or "checks" not in parts else [check_step(each) for each in checks()]
    quick = [one for one in quick_passes(split=not chosen_tests) if one.name in parts]
    stack = stack_passes(full=options.full, split=not chosen_tests) if "stack" in parts else ()
    with Postgres() as postgres, TemporaryDirectory(prefix="downbeat-migrated-") as folder:
        file = f"{folder}/migrated.sqlite3"
        if quick or stack:
            urls = {migrated.POSTGRES: postgres.create_database("migrated")}
            urls[migrated.SQLITE] = f"sqlite:///{file}"
            migrations = Group(migrated.steps(urls, environment()), lanes=options.jobs)
            yield from side_by_side([migrations], folder=ROOT, say=say)
        variables = {**environment(), migrated.POSTGRES: "migrated", migrated.SQLITE: file}
        tests = [
            pytest_step(
                one,
                number=number,
                postgres=postgres,
                variables=variables,
                arguments=arguments,
                chosen_tests=chosen_tests,
            )
            for number, one in enumerate([*quick, *stack], start=1)
        ]
        groups = [
            Group([*looks, *tests[: len(quick)]], lanes=options.jobs),
            Group(tests[len(quick) :], lanes=STACK_LANES),
        ]
        if options.jobs == 1:
            groups = [Group([*looks, *tests], lanes=1)]
        yield from side_by_side(groups, folder=ROOT, say=say)


def count(ended: Ended) -> Counter[str]:
    """Return how many tests ended how, from pytest's last line; a check counts by its name."""
    if "pytest" not in ended.step.command:
        return Counter(failed_checks=int(ended.code != 0))
    counts: Counter[str] = Counter()
    for number, word in re.findall(r"(\d+) (\w+)", ended.last_line):
        if word in COUNTED:
            counts[word] += int(number)
    return counts


def parsed(given: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return our own options, and the arguments that are pytest's."""
    parser = argparse.ArgumentParser(
        prog="run test",
        description=__doc__.partition("\n\n")[0],
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="run test [--full] [--only PART] [--jobs N] [--python 3.13] [PYTEST ARGUMENTS]",
    )
    parser.add_argument(
        "--full", action="store_true", help="every stack test on both databases, not only smoke"
    )
    parser.add_argument(
        "--only", action="append", choices=PARTS, help="a part of the whole; may be repeated"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        help="steps at once, as many as processors (%(default)s) unless said otherwise; "
        f"beside them {STACK_LANES} of stack tests, unless it is 1",
    )
    options, arguments = parser.parse_known_args(given)
    if options.jobs < 1:
        parser.error(f"--jobs is {options.jobs}: write 1 or more.")
    return options, arguments


def main(given: Sequence[str]) -> int:
    """Run everything; return 0 if all is well and 1 otherwise."""
    options, arguments = parsed(given)
    chosen = any(not each.startswith("-") or each.startswith("-k") for each in arguments)
    totals: Counter[str] = Counter()
    complaints: list[str] = []
    try:
        for ended in run_all(options, chosen_tests=chosen, arguments=arguments):
            totals += count(ended)
            if ended.code not in (0, NOTHING_SELECTED):
                complaints.append(ended.step.title)
    except NoPostgres as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for title in complaints:
        say(f"failed: {title}")
    failed = sum(totals[word] for word in ("failed", "error", "errors", "failed_checks"))
    skipped = f", {totals['skipped']} skipped" if totals["skipped"] else ""
    say(f"{totals['passed']} passed, {failed} failed{skipped}")
    return 1 if complaints or failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
