"""Bearer tokens: made once, shown once, kept as a hash."""

import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q

from schedules.errors import InvalidInput
from schedules.models import Token

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

PREFIX = "sched_"
"""Lets secret scanners and people recognise a token in a log or a commit."""

SECRET_BYTES = 32
LONGEST_RAW = 200
LONGEST_NAME = 100

USE_NOTED_EVERY = timedelta(minutes=1)
"""A busy client would otherwise cost one write per request."""


class NewToken(NamedTuple):
    """A token just made: its row, and the only copy of its text."""

    token: Token
    raw: str


def create_token(
    user: "AbstractBaseUser",
    *,
    now: datetime,
    name: str = "",
    expires_at: datetime | None = None,
    scope: str = "",
) -> NewToken:
    """Make a token that acts as `user`. The text is returned here and can never be read again.

    Raises InvalidInput for an inactive user, an end that has passed, or a name that is too long.
    """
    if not user.is_active:
        raise InvalidInput("user", user.get_username(), "an active user; this one is not")
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("expiresAt", expires_at.isoformat(), "an instant in the future")
    if len(name) > LONGEST_NAME:
        raise InvalidInput("name", name, f"at most {LONGEST_NAME} characters")
    raw = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = Token.objects.create(
        user_id=user.pk,
        name=name,
        digest=_digest(raw),
        scope=scope,
        created_at=now,
        expires_at=expires_at,
    )
    return NewToken(token, raw)


def authenticate(raw: str, *, now: datetime) -> Token | None:
    """Return the valid token with this text, or None; its user is loaded with it.

    None for an unknown, expired or revoked token and for one whose user is no longer active. The
    caller must not say which.
    """
    if not raw or len(raw) > LONGEST_RAW:
        return None
    digest = _digest(raw)
    token = Token.objects.select_related("user").filter(digest=digest).first()
    # Looking up a hash gives nothing away that helps to guess a token; what decides takes the same
    # time for every candidate all the same.
    if token is None or not hmac.compare_digest(token.digest, digest):
        return None
    if not _is_valid(token, now):
        return None
    _note_use(token, now)
    return token


def revoke_token(token: Token, *, now: datetime) -> bool:
    """End the token at once; False if it had ended before. The row stays for the record."""
    revoked = Token.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now)
    return revoked == 1


def _digest(raw: str) -> str:
    return sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


def _is_valid(token: Token, now: datetime) -> bool:
    if token.revoked_at is not None or not token.user.is_active:
        return False
    return token.expires_at is None or token.expires_at > now


def _note_use(token: Token, now: datetime) -> None:
    long_ago = now - USE_NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > long_ago:
        return
    # Conditional, so that of many requests at once one writes.
    Token.objects.filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lte=long_ago), pk=token.pk
    ).update(last_used_at=now)
    token.last_used_at = now
