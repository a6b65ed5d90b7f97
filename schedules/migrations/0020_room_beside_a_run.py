"""PostgreSQL leaves room on each page of runs, so that the mark that a run was sent is written
beside its old version, and in no index anew.
"""

from typing import Any

from django.db import migrations


def leave_room(apps: Any, schema_editor: Any) -> None:
    _set(schema_editor, "SET (fillfactor = 50)")


def fill(apps: Any, schema_editor: Any) -> None:
    _set(schema_editor, "RESET (fillfactor)")


def _set(schema_editor: Any, what: str) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE schedules_run {what}")


class Migration(migrations.Migration):
    dependencies = [
        ("schedules", "0019_short_checks"),
    ]

    operations = [
        migrations.RunPython(leave_room, fill),
    ]
