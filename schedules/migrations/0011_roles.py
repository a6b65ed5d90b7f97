"""The groups Super Admin, HR Admin and Employee, with their permissions of the scheduler."""

from typing import Any

from django.db import migrations

from schedules.access.roles import ensure_groups

NAMES = {
    "view_scheduler": "May see jobs and runs",
    "view_run_details": "May see arguments, results and tracebacks",
    "operate_scheduler": "May trigger, pause, resume, enable, disable, cancel",
    "manage_scheduler": "May create, change and delete jobs",
}


def make_groups(apps: Any, schema_editor: Any) -> None:
    ensure_groups(apps, names=NAMES)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("schedules", "0010_backfills_and_applied"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
