"""Employees over the REST API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tasks.people.models import Employee
from tests.tasks.people.staff import hire

pytestmark = pytest.mark.django_db

Ask = Callable[..., Any]


def test_an_employee_is_added_and_changed(ask: Ask) -> None:
    User.objects.create_user("siti")
    added = ask("POST", "/people/employees", {"code": "E0007", "name": "Siti Rahma"})
    changes = {"workStartsAt": "08:30", "username": "siti", "birthDate": "1996-02-29"}

    changed = ask("PATCH", "/people/employees/E0007", changes)

    assert added.status_code == 201
    assert changed.json() == {
        "code": "E0007",
        "name": "Siti Rahma",
        "email": "",
        "isActive": True,
        "timezone": "Asia/Jakarta",
        "workStartsAt": "08:30:00",
        "birthDate": "1996-02-29",
        "hiredOn": None,
        "username": "siti",
    }


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"code": "T00001", "name": "Again"}, "#/code", "already exists"),
        ({"code": "a b", "name": "Spaced"}, "#/code", "pattern"),
        ({"code": "E1", "name": "x", "timezone": "Mars"}, "#/timezone", "an IANA time zone"),
        ({"code": "E1", "name": "x", "email": "nobody"}, "#/email", "valid email"),
        ({"code": "E1", "name": "x", "username": "nobody"}, "#/username", "an account that exists"),
        ({"code": "E1", "name": "x", "birthDate": "29.02.1996"}, "#/birthDate", "write a date"),
        ({"code": "E1", "name": "x", "workStartsAt": "8:30"}, "#/workStartsAt", "such as 19:30"),
        ({"code": "E1", "name": "x", "isActive": None}, "#/isActive", "leave it out"),
    ],
)
def test_what_cannot_be_an_employee_is_refused_with_the_field(
    ask: Ask, body: dict[str, Any], pointer: str, detail: str
) -> None:
    hire(1)

    answer = ask("POST", "/people/employees", body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert detail in answer.json()["errors"][0]["detail"]
    assert Employee.objects.count() == 1


def test_an_account_belongs_to_one_employee(ask: Ask) -> None:
    one, two = hire(2)
    one.user = User.objects.create_user("siti")
    one.save()

    own = ask("PATCH", f"/people/employees/{one.code}", {"username": "siti"})
    anothers = ask("PATCH", f"/people/employees/{two.code}", {"username": "siti"})

    assert own.status_code == 200
    assert anothers.json()["errors"] == [
        {"detail": "another account; this one is T00001's", "pointer": "#/username"}
    ]


def test_employees_are_found_by_a_part_of_code_name_or_address(ask: Ask) -> None:
    hire(3)
    Employee.objects.create(code="X1", name="Adi Wijaya", email="adi@example.com", is_active=False)

    def codes(question: str) -> list[str]:
        return [
            each["code"] for each in ask("GET", f"/people/employees?{question}").json()["items"]
        ]

    assert codes("q=wijaya") == ["X1"]
    assert codes("q=example.com&is_active=true") == []
    assert codes("is_active=true&per_page=2&page=2") == ["T00003"]


def test_who_has_attendance_is_not_deleted_but_made_inactive(ask: Ask) -> None:
    employee, mistake = hire(2)
    employee.attendances.create(date="2030-05-06")

    refused = ask("DELETE", f"/people/employees/{employee.code}")
    ended = ask("PATCH", f"/people/employees/{employee.code}", {"isActive": False})
    deleted = ask("DELETE", f"/people/employees/{mistake.code}")

    assert (refused.status_code, ended.status_code, deleted.status_code) == (409, 200, 204)
    assert "Set isActive to false instead" in refused.json()["detail"]
    assert list(Employee.objects.values_list("code", "is_active")) == [("T00001", False)]
