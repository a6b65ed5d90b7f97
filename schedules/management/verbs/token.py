"""`scheduler token create`: a bearer token for a machine."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from schedules.access import create_token, record
from schedules.management.console import Console, ExitCode, NotFound
from schedules.management.operator import operator_name
from schedules.management.parser import whole_number
from schedules.operations.wording import iso, iso_seconds
from schedules.querysets.clock import database_now

LONGEST_DAYS = 3650

HELP = """\
Make a bearer token, with which a machine acts as a user.

The token is printed once and kept only as a hash: nobody can read it again. It
may do what its user may do, and ends after --expires-days. Revoke one in the
admin under Tokens.

examples:
  manage.py scheduler token create --user reporting --name "nightly export"
  manage.py scheduler token create --user reporting --expires-days 30 --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=["create"], metavar="create", help="The only action.")
    parser.add_argument("--user", required=True, metavar="NAME", help="Whose rights it has.")
    parser.add_argument("--name", default="", help="What it is for.")
    parser.add_argument(
        "--expires-days", default="365", metavar="N", help=f"1 to {LONGEST_DAYS}; default 365."
    )
    parser.add_argument("--json", action="store_true", help='{"token": "…", …}.')


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Make the token and print it."""
    days = whole_number(
        options["expires_days"], field="expiresDays", least=1, most=LONGEST_DAYS, unit="days"
    )
    users = get_user_model()
    name = options["user"]
    user = users._default_manager.filter(**{users.USERNAME_FIELD: name}).first()
    if user is None:
        raise NotFound("user", name, "the name of an existing user")
    now = database_now()
    expires_at = now + timedelta(days=days)
    with transaction.atomic():
        token, raw = create_token(user, now=now, name=options["name"], expires_at=expires_at)
        record(
            "create",
            subject=f"token:{token.pk}",
            actor=operator_name(),
            source="cli",
            now=now,
            after={"user": name, "name": token.name, "expiresAt": expires_at},
        )
    console.document(
        {
            "token": raw,
            "id": str(token.pk),
            "user": name,
            "name": token.name,
            "expiresAt": iso(expires_at),
        }
    )
    console.note(f"Valid until {iso_seconds(expires_at)}. It is not shown again.")
    console.text(raw)
    return ExitCode.OK
