"""Tokens: made once, kept as a hash, ended in four ways."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User

from schedules.access import authenticate, create_token, revoke_token
from schedules.errors import InvalidInput
from schedules.models import Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return User.objects.create_user("reporting")


def test_a_new_token_lets_its_user_in(user: User, now: datetime) -> None:
    token, raw = create_token(user, now=now, name="export")

    found = authenticate(raw, now=now)

    assert found == token
    assert found is not None
    assert found.user == user


def test_the_database_holds_nothing_that_could_be_used(user: User, now: datetime) -> None:
    _, raw = create_token(user, now=now)

    stored = Token.objects.values().get()

    assert all(raw not in str(value) for value in stored.values())
    assert authenticate(stored["digest"], now=now) is None


def test_two_tokens_are_never_alike_and_hold_256_bits(user: User, now: datetime) -> None:
    texts = {create_token(user, now=now).raw for _ in range(20)}

    assert len(texts) == 20
    # 43 characters of base64 carry 256 bits.
    assert {len(text.removeprefix("sched_")) for text in texts} == {43}


@pytest.mark.parametrize("raw", ["", "sched_", "x" * 100_000, "sched_\ud800", "' OR 1=1 --"])
def test_text_that_is_no_token_lets_nobody_in(raw: str, user: User, now: datetime) -> None:
    create_token(user, now=now)

    assert authenticate(raw, now=now) is None


def test_a_token_ends_at_its_end(user: User, now: datetime) -> None:
    end = now + timedelta(days=1)
    _, raw = create_token(user, now=now, expires_at=end)

    assert authenticate(raw, now=end - timedelta(microseconds=1)) is not None
    assert authenticate(raw, now=end) is None


def test_a_revoked_token_lets_nobody_in_and_stays_on_record(user: User, now: datetime) -> None:
    token, raw = create_token(user, now=now)

    assert revoke_token(token, now=now)
    assert not revoke_token(token, now=now + timedelta(days=1))

    assert authenticate(raw, now=now) is None
    assert Token.objects.get().revoked_at == now


def test_a_token_ends_with_its_user(user: User, now: datetime) -> None:
    _, raw = create_token(user, now=now)
    User.objects.update(is_active=False)

    assert authenticate(raw, now=now) is None


def test_use_is_noted_at_most_once_a_minute(user: User, now: datetime) -> None:
    _, raw = create_token(user, now=now)
    authenticate(raw, now=now)

    authenticate(raw, now=now + timedelta(seconds=59))
    assert Token.objects.get().last_used_at == now

    authenticate(raw, now=now + timedelta(seconds=60))
    assert Token.objects.get().last_used_at == now + timedelta(seconds=60)


def test_what_could_never_be_used_is_not_made(user: User, now: datetime) -> None:
    with pytest.raises(InvalidInput, match=r"expiresAt is .*: an instant in the future"):
        create_token(user, now=now, expires_at=now)

    user.is_active = False
    with pytest.raises(InvalidInput, match="user is 'reporting': an active user; this one is not"):
        create_token(user, now=now)

    assert not Token.objects.exists()
