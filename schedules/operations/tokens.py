"""Tokens of machines: which there are, and ending one."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction

from schedules.access import Source, record, revoke_token
from schedules.models import Token
from schedules.operations.wording import iso

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MOST_TOKENS = 1000


def tokens_of(name: str | None = None) -> Sequence[Token]:
    """Return the newest tokens, of everybody or of the user with this name; ended ones too."""
    tokens = Token.objects.select_related("user").order_by("-created_at")
    if name is not None:
        users: Any = get_user_model()
        tokens = tokens.filter(**{f"user__{users.USERNAME_FIELD}": name})
    return list(tokens[:MOST_TOKENS])


@transaction.atomic
def end_token(
    token: Token,
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
) -> bool:
    """Revoke the token at once and record it; False if it had been revoked before."""
    if not revoke_token(token, now=now):
        return False
    subject = f"token:{token.pk}"
    user = token.user.get_username()
    record(
        "revoke",
        subject=subject,
        actor=by,
        source=source,
        now=now,
        after={"user": user, "name": token.name},
        reason=reason,
    )
    return True


def token_shape(token: Token, *, now: datetime) -> dict[str, Any]:
    """Return a token without its text, which nobody has. Wants its user loaded."""
    return {
        "id": str(token.pk),
        "user": token.user.get_username(),
        "name": token.name,
        "scope": token.scope,
        "isValid": token.revoked_at is None
        and token.user.is_active
        and (token.expires_at is None or token.expires_at > now),
        "createdAt": iso(token.created_at),
        "expiresAt": token.expires_at and iso(token.expires_at),
        "revokedAt": token.revoked_at and iso(token.revoked_at),
        "lastUsedAt": token.last_used_at and iso(token.last_used_at),
    }
