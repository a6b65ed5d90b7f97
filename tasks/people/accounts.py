"""From the account that asks, or a code that is named, to the employee."""

from typing import Any

from django.http import Http404
from ninja.errors import HttpError

from schedules.public.rest import row_or_404
from tasks.people.models import Employee


def employee_of(user: Any) -> Employee:
    """Return the employee whose account this is. Raises HttpError (403) where there is none."""
    number = Employee.objects.filter(user=user).values_list("pk", flat=True).first()
    if number is None:
        raise HttpError(403, f"The account {user.get_username()!r} belongs to no employee.")
    return row_or_404(Employee.objects.all(), number)


def employee_with(code: str, *, locked: bool = False) -> Employee:
    """Return the employee with this code, locked if wished until commit. Raises Http404."""
    rows = Employee.objects.select_for_update(no_key=True) if locked else Employee.objects.all()
    named = Employee.objects.none() if "\x00" in code else Employee.objects.filter(code=code)
    number = named.values_list("pk", flat=True).first()
    if number is None:
        raise Http404(f"There is no employee {code!r}.")
    return row_or_404(rows, number)


def employee_meant(user: Any, code: str | None, *, unless: str) -> Employee:
    """Return the employee with this code, or the caller's own without one.

    Whoever does not have the permission `unless` may mean nobody but himself; then, or where no
    such employee exists, HttpError (403) or Http404 is raised.
    """
    if user.has_perm(unless) and code is not None:
        return employee_with(code)
    own = employee_of(user)
    if code is not None and code != own.code:
        raise HttpError(403, "You may do this for yourself only.")
    return own
