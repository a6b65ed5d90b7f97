"""`scheduler token create`: a bearer token for a machine."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.text import slugify

from schedules.access import create_token, record
from schedules.errors import Refused
from schedules.management.console import Console, ExitCode, NotFound
from schedules.management.operator import operator_name
from schedules.management.parser import one_of, whole_number
from schedules.operations.wording import iso, iso_seconds
from schedules.querysets.clock import database_now

LONGEST_DAYS = 3650
SCOPES = ("view", "details", "operate", "manage")

HELP = """\
Make a bearer token, with which a machine acts as a user.

The token is printed once and kept only as a hash: nobody can read it again. It
may do what its user may do, and ends after --expires-days. Revoke one in the
admin under Tokens. With --role a new user is made in that group; a user who is
there already must be in it and have nothing else. --scope limits the token.

examples:
  manage.py scheduler token create --user reporting --name "nightly export"
  manage.py scheduler token create --user hr-tool --role hr-admin --json
  manage.py scheduler token create --user reporting --expires-days 30 --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=["create"], metavar="create", help="The only action.")
    parser.add_argument("--user", required=True, metavar="NAME", help="Whose rights it has.")
    parser.add_argument("--role", metavar="ROLE", help="super-admin, hr-admin or employee.")
    parser.add_argument(
        "--scope", default="", metavar="SCOPE", help=f"At most {', '.join(SCOPES)}."
    )
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
    name = options["user"]
    scope = one_of(options["scope"], ("", *SCOPES), field="scope")
    now = database_now()
    expires_at = now + timedelta(days=days)
    with transaction.atomic():
        user = _user(name, role=options["role"])
        token, raw = create_token(
            user, now=now, name=options["name"], expires_at=expires_at, scope=scope
        )
        record(
            "create",
            subject=f"token:{token.pk}",
            actor=operator_name(),
            source="cli",
            now=now,
            after={"user": name, "role": options["role"], "scope": scope, "expiresAt": expires_at},
        )
    console.document(
        {
            "token": raw,
            "id": str(token.pk),
            "user": name,
            "name": token.name,
            "role": options["role"],
            "scope": scope,
            "expiresAt": iso(expires_at),
        }
    )
    console.note(f"Valid until {iso_seconds(expires_at)}. It is not shown again.")
    console.text(raw)
    return ExitCode.OK


def _user(name: str, *, role: str | None) -> Any:
    """Return the user; of a role, a new one or one who has it. Raises NotFound for either, and
    Refused for a user who has other rights than the role's.
    """
    users: Any = get_user_model()
    user = users._default_manager.filter(**{users.USERNAME_FIELD: name}).first()
    if role is None:
        if user is None:
            raise NotFound("user", name, "the name of an existing user, or give --role too")
        return user
    groups = {slugify(group.name): group for group in Group.objects.all()}
    if role not in groups:
        raise NotFound("role", role, f"one of {', '.join(sorted(groups)) or 'no groups at all'}")
    if user is None:
        user = users._default_manager.create_user(**{users.USERNAME_FIELD: name})
        user.groups.add(groups[role])
    elif _rights(user) != [groups[role].name]:
        has = ", ".join(_rights(user)) or "no role"
        raise Refused(
            f"User {name!r} exists and has {has}, which a token does not change: leave out --role"
            " for a token with these rights, or name a new user."
        )
    return user


def _rights(user: Any) -> list[str]:
    """Return in words what the user's rights come from."""
    return [
        *(group.name for group in user.groups.order_by("name")),
        *(["every right, as a superuser"] if user.is_superuser else []),
        *(["permissions of its own"] if user.user_permissions.exists() else []),
    ]
