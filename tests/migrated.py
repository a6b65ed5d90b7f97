"""Databases with all migrations applied: the runner makes one of each kind, and passes copy it.

Migrating takes a processor three seconds, and a suite would do it fifteen times. Without the runner
each database is migrated where it is used.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.lanes import Step

POSTGRES, SQLITE = "DOWNBEAT_MIGRATED_DATABASE", "DOWNBEAT_MIGRATED_FILE"
"""The variables by which passes know a database on their server, and a file."""


def steps(urls: Mapping[str, str], environment: Mapping[str, str]) -> list[Step]:
    """Return what migrates the databases with these `urls`, which are empty; by variable."""
    return [
        Step(
            f"manage.py migrate, for all passes on {kind}",
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            {**environment, "DATABASE_URL": urls[variable]},
        )
        for variable, kind in ((POSTGRES, "PostgreSQL"), (SQLITE, "SQLite"))
    ]


def template() -> str:
    """Return the name of the database on PostgreSQL; "" without the runner."""
    return os.environ.get(POSTGRES, "")


def lay(path: Path) -> bool:
    """Copy the file to `path`; return whether there is one."""
    file = os.environ.get(SQLITE, "")
    if file:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, path)
    return bool(file)


def begin_migrated(database: dict[str, Any]) -> bool:
    """Let the test database of these settings be a copy; return whether it is there already."""
    if database["ENGINE"].endswith("sqlite3"):
        return lay(Path(database["TEST"]["NAME"]))
    if template():
        database["TEST"]["TEMPLATE"] = template()
    return False
