"""Limits hold: for logins of any process, for tokens nobody has; and they end."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from schedules.access import Limit, create_token, forget_knocks, knock
from schedules.models import Knock
from schedules.querysets.clock import database_now

pytestmark = pytest.mark.django_db

THREE = Limit(tries=3, within=timedelta(minutes=1))
FORMS = ["/login/", "/admin/login/"]


@pytest.fixture
def ana(db: None) -> User:
    return User.objects.create_user("ana", password="a long enough one", is_staff=True)


def log_in(address: str, password: str, *, name: str = "ana", host: str = "192.0.2.1") -> Any:
    values = {"username": name, "password": password}
    return Client(REMOTE_ADDR=host).post(address, values)


def test_no_more_than_the_limit_pass_and_the_window_slides(now: datetime) -> None:
    passed = [bool(knock(THREE, "x", now=now + timedelta(seconds=n))) for n in range(6)]
    later = knock(THREE, "x", now=now + timedelta(seconds=61))

    assert passed == [True] * 3 + [False] * 3
    assert later
    assert knock(THREE, "y", now=now)


def test_somebody_let_in_begins_anew(now: datetime) -> None:
    for _ in range(3):
        knock(THREE, "x", now=now)
    forget_knocks("x")

    assert knock(THREE, "x", now=now)


@pytest.mark.parametrize("address", FORMS)
def test_of_fifty_logins_ten_are_looked_at(ana: User, address: str) -> None:
    answers = [log_in(address, "guess").content.decode() for _ in range(50)]
    right = log_in(address, "a long enough one")

    assert sum("Too many failed logins" in answer for answer in answers) == 40
    assert right.status_code == 200, "the right password was taken after too many wrong ones"
    assert log_in(address, "a long enough one", host="192.0.2.2").status_code == 302


def test_an_address_that_tries_one_name_after_the_other_is_stopped(ana: User) -> None:
    answers = [log_in("/login/", "guess", name=f"user-{n}").content.decode() for n in range(60)]

    assert sum("Too many failed logins" in answer for answer in answers) == 10
    assert "guess" not in str(list(Knock.objects.values_list("door", flat=True)))


def test_a_limit_ends_with_its_window(ana: User) -> None:
    for _ in range(12):
        log_in("/login/", "guess")
    Knock.objects.update(at=database_now() - timedelta(minutes=6))

    assert log_in("/login/", "a long enough one").status_code == 302


def test_who_mistypes_and_then_logs_in_is_not_counted(ana: User) -> None:
    for _ in range(4):
        for _ in range(8):
            log_in("/login/", "guess")
        assert log_in("/login/", "a long enough one").status_code == 302


def test_tokens_that_nobody_has_are_answered_429_in_the_end(ana: User) -> None:
    ana.is_superuser = True
    ana.save()
    good = {"Authorization": f"Bearer {create_token(ana, now=database_now()).raw}"}
    bad = {"Authorization": "Bearer sched_guess"}
    address = "/api/v1/scheduler/job-types"

    answers = [Client().get(address, headers=bad) for _ in range(70)]

    assert [answer.status_code for answer in answers] == [401] * 60 + [429] * 10
    assert answers[-1].headers["Retry-After"] == "60"
    assert answers[-1].headers["Content-Type"] == "application/problem+json"
    assert Client().get(address, headers=good).status_code == 200
