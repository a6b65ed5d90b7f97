"""`scheduler token ...`: bearer tokens for machines."""

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.text import slugify

from schedules.access import PREFIX, create_token, record
from schedules.errors import Refused
from schedules.management.console import Console, ExitCode, NotFound
from schedules.management.operator import operator_name
from schedules.management.parser import one_of, whole_number
from schedules.models import Token
from schedules.operations.tokens import end_token, token_shape, tokens_of
from schedules.operations.wording import iso, iso_seconds
from schedules.querysets.clock import database_now

LONGEST_DAYS = 3650
SCOPES = ("view", "details", "operate", "manage")

HELP = """\
Bearer tokens, with which machines act as a user: make one, list them, revoke one.

A new one is printed once and kept only as a hash: nobody can read it again. It
may do what its user may do, and ends after --expires-days. With --role a new user
is made in that group; a user who is there already must be in it and have nothing
else. --scope limits the token. A revoked one is refused at once.

examples:
  manage.py scheduler token create --user reporting --name "nightly export"
  manage.py scheduler token create --user hr-tool --role hr-admin --json
  manage.py scheduler token list --user hr-tool --json
  manage.py scheduler token revoke 6f0f6a3e-4a63-4c57-9d0c-0d6f0e1c8f4b --reason "left\""""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")

    def action(name: str, summary: str) -> ArgumentParser:
        made: ArgumentParser = actions.add_parser(name, help=summary, description=summary)
        made.add_argument("--json", action="store_true", help="One JSON document.")
        return made

    create = action("create", "Make a token; its text is shown once.")
    create.add_argument("--user", required=True, metavar="NAME", help="Whose rights it has.")
    create.add_argument("--role", metavar="ROLE", help="super-admin, hr-admin or employee.")
    create.add_argument(
        "--scope", default="", metavar="SCOPE", help=f"At most {', '.join(SCOPES)}."
    )
    create.add_argument("--name", default="", help="What it is for.")
    create.add_argument(
        "--expires-days", default="365", metavar="N", help=f"1 to {LONGEST_DAYS}; default 365."
    )
    listed = action("list", "List the tokens, the newest first; ended ones too.")
    listed.add_argument("--user", metavar="NAME", help="Only this user's.")
    revoke = action("revoke", "End a token at once; its row stays for the record.")
    revoke.add_argument("token", metavar="ID", help="As `token list` shows it.")
    revoke.add_argument("--reason", default="", help="Why; kept in the audit record.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Make, list or revoke."""
    ACTIONS[options["action"]](options, console)
    return ExitCode.OK


def _list(options: dict[str, Any], console: Console) -> None:
    now = database_now()
    shapes = [token_shape(token, now=now) for token in tokens_of(options["user"])]
    console.document({"items": shapes})
    rows = [
        (
            shape["id"],
            shape["user"],
            shape["name"] or "-",
            shape["scope"] or "-",
            "valid" if shape["isValid"] else "revoked" if shape["revokedAt"] else "ended",
            shape["expiresAt"] or "never",
            shape["lastUsedAt"] or "never",
        )
        for shape in shapes
    ]
    console.table(("ID", "USER", "NAME", "SCOPE", "STATE", "UNTIL", "LAST USED"), rows)
    if not shapes:
        console.note("There are no tokens.")


def _revoke(options: dict[str, Any], console: Console) -> None:
    token, now = _token_named(options["token"]), database_now()
    ended = end_token(token, by=operator_name(), source="cli", now=now, reason=options["reason"])
    if not ended:
        raise Refused(f"Token {token.pk} was revoked before.")
    token.refresh_from_db()
    console.document(token_shape(token, now=now))
    console.text(f"{token.pk} of {token.user.get_username()} is revoked.")


def _token_named(text: str) -> Token:
    try:
        number = UUID(text)
    except ValueError:
        number = None
    token = number and Token.objects.select_related("user").filter(pk=number).first()
    if not token:
        # Somebody may have pasted the token itself.
        found = "***" if text.startswith(PREFIX) else text
        raise NotFound("token", found, "the id of a token; `scheduler token list` shows them")
    return token


def _create(options: dict[str, Any], console: Console) -> None:
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


ACTIONS: dict[str, Callable[[dict[str, Any], Console], None]] = {
    "create": _create,
    "list": _list,
    "revoke": _revoke,
}
