"""`/people`: the employees. Who may see only himself sees a list of one."""

from datetime import date, time
from typing import Annotated, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import ProtectedError, Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status
from pydantic import Field

from schedules.public import InvalidInput, Refused
from schedules.public.rest import (
    NOT_BLANK,
    Asked,
    Day,
    Flag,
    Paged,
    PageQuery,
    Reply,
    WallTime,
    caller,
    needs,
    page_of,
)
from tasks.people.accounts import employee_meant, employee_of, employee_with
from tasks.people.models import Employee

router = Router(tags=["people"], by_alias=True)

VIEW, SEE_ONESELF = "people.view_employee", "people.see_oneself"
ADD, CHANGE, DELETE = "people.add_employee", "people.change_employee", "people.delete_employee"

Code = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[!-.0-~]+$")]
PersonName = Annotated[str, Field(min_length=1, max_length=200), NOT_BLANK]
Address = Annotated[str, Field(max_length=254)]


class EmployeeReply(Reply):
    """A person who works, or has worked, here."""

    code: str
    name: str
    email: str
    is_active: bool
    timezone: str
    work_starts_at: str | None
    birth_date: date | None
    hired_on: date | None
    username: str | None


class EmployeePage(Paged):
    """One page of employees, by code."""

    items: list[EmployeeReply]


class EmployeeQuery(PageQuery):
    """Which employees; `q` looks at code, name and address."""

    q: Annotated[str, Field(max_length=100)] = ""
    is_active: Flag | None = None


class EmployeeUpdate(Asked):
    """Changes to an employee: what is left out stays."""

    name: PersonName | None = None
    email: Address | None = None
    is_active: bool | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = Field(None, description="IANA name.")
    work_starts_at: WallTime | None = Field(None, description="null: never late.")
    birth_date: Day | None = None
    hired_on: Day | None = None
    username: Annotated[str, Field(max_length=150)] | None = Field(
        None, description="The account with which the employee logs in; null: none."
    )


class EmployeeCreate(EmployeeUpdate):
    """A new employee."""

    code: Code
    name: PersonName


@router.get(
    "/employees",
    auth=needs(VIEW, SEE_ONESELF),
    response=EmployeePage,
    operation_id="listEmployees",
)
def list_all(request: HttpRequest, query: Query[EmployeeQuery]) -> Any:
    """List the employees by code."""
    user: Any = caller(request)
    rows = Employee.objects.select_related("user").order_by("code")
    if not user.has_perm(VIEW):
        rows = rows.filter(pk=employee_of(user).pk)
    if query.is_active is not None:
        rows = rows.filter(is_active=query.is_active)
    if words := query.q.replace("\x00", ""):
        rows = rows.filter(
            Q(code__icontains=words) | Q(name__icontains=words) | Q(email__icontains=words)
        )
    return page_of(rows, query, _shape)


@router.post(
    "/employees", auth=needs(ADD), response={201: EmployeeReply}, operation_id="createEmployee"
)
def create(request: HttpRequest, response: HttpResponse, data: EmployeeCreate) -> Any:
    """Add an employee. A code that somebody has, or has had, is refused."""
    employee = Employee(code=data.code)
    _put(employee, data)
    response.headers["Location"] = f"{request.path.rstrip('/')}/{employee.code}"
    return Status(201, _shape(employee))


@router.get(
    "/employees/{code}",
    auth=needs(VIEW, SEE_ONESELF),
    response=EmployeeReply,
    operation_id="getEmployee",
)
def get(request: HttpRequest, code: str) -> Any:
    """Show an employee, by the code on the badge."""
    return _shape(employee_meant(caller(request), code, unless=VIEW))


@router.patch(
    "/employees/{code}",
    auth=needs(CHANGE),
    response=EmployeeReply,
    operation_id="updateEmployee",
)
def update(request: HttpRequest, code: str, data: EmployeeUpdate) -> Any:
    """Change an employee. `isActive: false` ends the daily rows; the attendance stays."""
    with transaction.atomic():
        employee = employee_with(code, locked=True)
        _put(employee, data)
    return _shape(employee)


@router.delete(
    "/employees/{code}", auth=needs(DELETE), response={204: None}, operation_id="deleteEmployee"
)
def delete(request: HttpRequest, code: str) -> Any:
    """Delete an employee who was entered by mistake; with attendance or leave it is refused."""
    employee = employee_with(code)
    try:
        employee.delete()
    except ProtectedError:
        raise Refused(
            f"Employee {code!r} has attendance or leave, so the row stays."
            " Set isActive to false instead."
        ) from None
    return Status(204, None)


def _put(employee: Employee, data: EmployeeUpdate) -> None:
    """Take the given fields over, look at the whole row, and save it."""
    given = data.given()
    if "username" in given:
        employee.user = _account(given.pop("username"), of=employee)
    for name, value in given.items():
        if value is None and not Employee._meta.get_field(name).null:
            raise InvalidInput(name, "null", "a value; leave it out to keep the old one")
        setattr(employee, name, value)
    employee.full_clean()
    employee.save()


def _account(username: str | None, *, of: Employee) -> Any:
    if username is None:
        return None
    user = get_user_model().objects.filter(username=username).first()
    if user is None:
        raise InvalidInput("username", username, "the name of an account that exists, or null")
    other = Employee.objects.filter(user=user).exclude(pk=of.pk).first()
    if other is not None:
        raise InvalidInput("username", username, f"another account; this one is {other.code}'s")
    return user


def _shape(employee: Employee) -> dict[str, Any]:
    starts: time | None = employee.work_starts_at
    return {
        "code": employee.code,
        "name": employee.name,
        "email": employee.email,
        "isActive": employee.is_active,
        "timezone": employee.timezone,
        "workStartsAt": None if starts is None else starts.isoformat(),
        "birthDate": employee.birth_date,
        "hiredOn": employee.hired_on,
        "username": None if employee.user is None else employee.user.get_username(),
    }
