"""A row of an area that SQL has broken is left out of lists, and named above those of the admin."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from project.roles import ensure_roles
from schedules.access import create_token
from schedules.querysets.clock import database_now
from tasks.attendance.models import Attendance, LeaveRequest
from tasks.games.models import Game
from tasks.meetings.models import Meeting
from tasks.memberships.models import Membership
from tasks.people.models import Employee
from tests.project.area_examples import make_subjects
from tests.sql import run_sql

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps such values out"),
]

LISTS = [
    (Meeting, "start_time", "tomorrow", "meetings"),
    (Meeting, "start_time", "2026-99-01 00:00:00", "meetings"),
    (Employee, "work_starts_at", "25:00:00", "people/employees"),
    (Attendance, "date", "yesterday", "attendance/days"),
    (LeaveRequest, "starts_on", "2026-02-30", "attendance/leave"),
    (Game, "start_time", "noon", "games"),
    (Membership, "starts_at", "?", "memberships"),
]


@pytest.mark.parametrize(("model", "column", "value", "path"), LISTS)
def test_a_broken_row_is_left_out_of_the_lists_of_its_area(
    model: type[Meeting], column: str, value: str, path: str
) -> None:
    ensure_roles()
    user = User.objects.create_superuser("ada")
    token = create_token(user, now=database_now(), scope="").raw
    make_subjects(user)
    broken = model._default_manager.order_by("pk").first()
    assert broken is not None
    number = model._default_manager.count()
    table = model._meta.db_table
    run_sql("PRAGMA ignore_check_constraints = ON")
    run_sql(f"UPDATE {table} SET {column} = %s WHERE id = %s", value, broken.pk)  # noqa: S608
    run_sql("PRAGMA ignore_check_constraints = OFF")
    browser = Client()
    browser.force_login(user)
    admin = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"

    answer = browser.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
    page = browser.get(admin).content.decode()
    form = browser.get(f"{admin}{broken.pk}/change/")
    alone = browser.get(f"/api/v1/{path}/{getattr(broken, 'code', broken.pk)}")

    assert answer.status_code == 200
    assert len(answer.json()["items"]) == number - 1
    assert f"{column} is &#x27;{value}&#x27;: " in page
    assert form.status_code == 200
    if path != "attendance/days":  # which has no address for one
        assert alone.status_code == 500
        assert f" {broken.pk} cannot be read: {column} is '{value}': " in alone.json()["detail"]
