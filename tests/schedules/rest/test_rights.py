"""Permissions of the areas: asked for alone, one of several is enough, no scope covers them."""

from dataclasses import dataclass, field

import pytest
from ninja.errors import AuthorizationError

from schedules.rest.rights import ALL, Right


@dataclass
class Caller:
    """Somebody with a few permissions."""

    permissions: set[str] = field(default_factory=set)
    is_active: bool = True

    def has_perm(self, name: str) -> bool:
        return name in self.permissions

    def has_perms(self, names: tuple[str, ...]) -> bool:
        return self.permissions >= set(names)


def test_an_area_asks_for_its_own_permission_alone() -> None:
    Right("games.view_game").check(Caller({"games.view_game"}))

    with pytest.raises(AuthorizationError, match=r"permission games\.view_game"):
        Right("games.view_game").check(Caller(set(ALL)))


def test_one_of_several_permissions_is_enough() -> None:
    right = Right("attendance.view_attendance", "attendance.clock_oneself")

    right.check(Caller({"attendance.clock_oneself"}))
    with pytest.raises(AuthorizationError, match="view_attendance or attendance"):
        right.check(Caller({"attendance.view_leaverequest"}))


def test_a_token_with_a_scope_of_the_scheduler_opens_no_area() -> None:
    caller = Caller({"games.view_game"})

    Right("games.view_game").check(caller, scope="")
    with pytest.raises(AuthorizationError, match="scope, 'manage'"):
        Right("games.view_game").check(caller, scope="manage")
