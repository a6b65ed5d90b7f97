"""What happens between the broker's start and the other processes': tables, declared jobs, the
first account, demo data.

In one process, because most of its time is Django's own start.
"""

import argparse
import os
import secrets
import sys

import django


def prepare(*, demo: bool) -> None:
    """Bring the database up to date; safe to repeat."""
    # Imported here: these need the settings, which `main` has named by now.
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    call_command("scheduler", "install")
    create_first_account(password=settings.ADMIN_PASSWORD)
    if demo:
        call_command("demo")


def create_first_account(*, password: str) -> None:
    """Create the account `admin` where nobody may administer yet; without a `password`, make and
    print one.
    """
    from django.contrib.auth import get_user_model

    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return
    chosen = password or secrets.token_urlsafe(12)
    users.create_superuser("admin", password=chosen)
    shown = "the password in ADMIN_PASSWORD" if password else f"the password {chosen}"
    sys.stdout.write(f"first start: log in as admin with {shown}\n")


def prepare_checked(*, demo: bool) -> int:
    """Prepare, unless checks find an error, and return the exit code; what is wrong is a line on
    stderr.
    """
    from django.db import DatabaseError

    # What needs Django to be found wrong, and so was not refused while the settings were read.
    if _is_wrong("settings"):
        return 2
    try:
        if _is_wrong("database"):
            return 1
        prepare(demo=demo)
    except DatabaseError as error:
        sys.stderr.write(f"The database cannot be used: {' '.join(str(error).split())}\n")
        return 1
    return 0


def _is_wrong(tag: str) -> bool:
    from django.core.checks import ERROR, run_checks

    wrong = [each for each in run_checks(tags=[tag], databases=["default"]) if each.level >= ERROR]
    sys.stderr.write("".join(f"{each.msg} {each.hint or ''}\n" for each in wrong))
    return bool(wrong)


def main() -> int:
    """Read the command line, set Django up and prepare; return the exit code."""
    parser = argparse.ArgumentParser(description="Prepare the database for a start.")
    parser.add_argument("--demo", action="store_true", help="load demo data")
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    return prepare_checked(demo=chosen.demo)


if __name__ == "__main__":
    sys.exit(main())
