"""Who is asking, and may they? A bearer token or a session with CSRF, and one permission."""

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from ninja.errors import AuthorizationError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from schedules.access import MANAGE, OPERATE, VIEW, VIEW_DETAILS, Limit, authenticate, knock
from schedules.conf import options
from schedules.querysets.clock import database_now
from schedules.rest.problems import TooManyRequests

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

ALL = (VIEW, VIEW_DETAILS, OPERATE, MANAGE)
NOBODY = ""
"""What an operation needs that says nothing about it: nobody has it."""

SCOPES = {
    "view": frozenset({VIEW}),
    "details": frozenset({VIEW, VIEW_DETAILS}),
    "operate": frozenset({VIEW, VIEW_DETAILS, OPERATE}),
    "manage": frozenset(ALL),
}
"""What a token with this scope may do at most. Without a scope it may what its user may."""

FAILURES = Limit(tries=60, within=timedelta(minutes=1))
"""Invalid tokens from one address."""

CLOCK_KEPT = timedelta(seconds=10)


class _Clock:
    """The database's time, asked every few seconds: exact enough for a token's end."""

    def __init__(self) -> None:
        self._read: tuple[float, datetime] | None = None

    def now(self) -> datetime:
        moment = time.monotonic()
        if self._read is None or moment - self._read[0] > CLOCK_KEPT.total_seconds():
            self._read = (moment, database_now())
        return self._read[1] + timedelta(seconds=moment - self._read[0])


_clock = _Clock()


class Right:
    """Permissions of which one is enough. For one of the scheduler's own, the whole of those may be
    asked for instead.
    """

    def __init__(self, *permissions: str, each: bool = False) -> None:
        self.permissions = tuple(filter(None, permissions))
        self.each = each or not set(self.permissions) <= set(ALL)

    def check(self, user: Any, *, scope: str = "") -> None:
        """Raise AuthorizationError unless the user, and the token's scope, have the permission."""
        if not user.is_active or not self.permissions:
            raise AuthorizationError(message="Nobody may do this.")
        covered = [name for name in self.permissions if not scope or name in SCOPES.get(scope, ())]
        if not covered:
            raise AuthorizationError(message=f"This token's scope, {scope!r}, does not cover this.")
        if not (self.each or by_permission()):
            if not user.has_perms(ALL):
                raise AuthorizationError(message="This is for scheduler administrators only.")
        elif not any(user.has_perm(name) for name in covered):
            words = " or ".join(covered)
            raise AuthorizationError(message=f"You need the permission {words} for this.")


class BearerToken(HttpBearer):
    """A machine's token in the Authorization header."""

    def __init__(self, right: Right) -> None:
        super().__init__()
        self.right = right

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return the token's user. Raises AuthorizationError, and TooManyRequests after many bad
        ones.
        """
        now = _clock.now()
        found = authenticate(token.strip(), now=now)
        if found is None:
            # Asked only now: a valid token costs nothing more, and 256 bits are not guessed.
            if not knock(FAILURES, "token", request.META.get("REMOTE_ADDR", ""), now=now):
                raise TooManyRequests(
                    "Too many invalid tokens came from your address. Wait a minute.",
                    retry_after_seconds=int(FAILURES.within.total_seconds()),
                )
            return None
        self.right.check(found.user, scope=found.scope)
        request.user = found.user
        request.token_scope = found.scope  # type: ignore[attr-defined]  # for `may` below
        return found.user


class SessionCookie(APIKeyCookie):
    """A browser's login; what changes something needs the CSRF token too."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self, right: Right) -> None:
        super().__init__(csrf=False)  # asked below, of those who are logged in
        self.right = right

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Return the session's user. Raises AuthorizationError."""
        if not request.user.is_authenticated:
            return None
        if check_csrf(request):
            raise AuthorizationError(
                message="Send the value of the CSRF cookie as X-CSRFToken: this changes something."
            )
        self.right.check(request.user)
        return request.user


def by_permission() -> bool:
    """Whether each operation asks for its own permission. By default each asks for all of them, as
    the group Super Admin has.
    """
    return options().api_access == "permissions"


def needs(*permissions: str, each: bool = False) -> list[Any]:
    """Return what ninja asks before anything else of a request, its body included.

    One of the permissions is enough. With `each` a permission of the scheduler is asked for alone,
    whatever the setting says; those of other apps always are.
    """
    right = Right(*permissions, each=each)
    return [BearerToken(right), SessionCookie(right)]


def may(request: HttpRequest, permission: str) -> bool:
    """Whether the caller, and the scope of its token, have one of the scheduler's permissions."""
    scope = getattr(request, "token_scope", "")
    covered = not scope or permission in SCOPES.get(scope, ())
    user: Any = request.user
    return bool(covered and user.has_perm(permission))


def caller(request: HttpRequest) -> "AbstractBaseUser":
    """Return the user whom `needs` let in."""
    user: Any = request.user
    return user  # type: ignore[no-any-return]
