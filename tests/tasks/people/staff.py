"""Employees to test with."""

from tasks.people.models import Employee


def hire(count: int) -> list[Employee]:
    """Make and return active employees in Jakarta, with the codes T00001, T00002 and so on."""
    first = Employee.objects.count() + 1
    return Employee.objects.bulk_create(
        [Employee(code=f"T{n:05}", name=f"Employee {n}") for n in range(first, first + count)]
    )
