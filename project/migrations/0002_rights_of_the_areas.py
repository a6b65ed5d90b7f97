"""The groups' permissions in the areas, for databases that had the groups before."""

from typing import Any

from django.db import migrations

from project.roles import ensure_roles


def make_roles(apps: Any, schema_editor: Any) -> None:
    ensure_roles(apps)


class Migration(migrations.Migration):
    dependencies = [("project", "0001_roles")]

    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
