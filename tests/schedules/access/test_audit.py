"""The audit record."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction

from schedules.access import record
from schedules.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_an_entry_outlives_its_user(now: datetime) -> None:
    user = User.objects.create_user("siti")
    record("edit", subject="job:daily", actor=user, source="admin", now=now, reason="agreed")
    user.delete()

    entry = AuditEntry.objects.get()
    assert (entry.at, entry.actor, entry.action, entry.subject) == (
        now,
        "siti",
        "edit",
        "job:daily",
    )
    assert (entry.source, entry.reason) == ("admin", "agreed")


def test_before_and_after_are_kept_as_json(now: datetime) -> None:
    record(
        "edit",
        subject="job:daily",
        actor="root",
        source="cli",
        now=now,
        before={"jitter": timedelta(0), "at": now},
        after={"jitter": timedelta(minutes=1), "at": None},
    )

    entry = AuditEntry.objects.get()
    assert entry.before == {"jitter": "P0DT00H00M00S", "at": "2026-03-02T12:00:00Z"}
    assert entry.after == {"jitter": "P0DT00H01M00S", "at": None}


def test_without_the_change_there_is_no_entry(now: datetime) -> None:
    def change_in_vain() -> None:
        with transaction.atomic():
            record("edit", subject="job:daily", actor="root", source="cli", now=now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_in_vain()

    assert not AuditEntry.objects.exists()


def test_an_actor_without_a_name_is_called_anonymous(now: datetime) -> None:
    record("edit", subject="job:daily", actor=AnonymousUser(), source="api", now=now)

    assert AuditEntry.objects.get().actor == "anonymous"
