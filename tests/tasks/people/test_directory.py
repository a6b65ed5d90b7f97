"""The directory names every active employee once, in pages."""

import pytest

from tasks.people.directory import MOST_PER_PAGE, pages_of_active_employees
from tasks.people.models import Employee
from tests.tasks.people.staff import hire

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (4, [2, 2]), (5, [2, 2, 1])])
def test_pages_hold_everyone_once(count: int, sizes: list[int]) -> None:
    staff = hire(count)

    pages = list(pages_of_active_employees(per_page=2))

    assert [len(page) for page in pages] == sizes
    assert [pk for page in pages for pk in page.employee_ids] == [one.pk for one in staff]


def test_whoever_has_left_is_not_named() -> None:
    stays, leaves = hire(2)
    Employee.objects.filter(pk=leaves.pk).update(is_active=False)

    assert [page.employee_ids for page in pages_of_active_employees()] == [[stays.pk]]


def test_nobody_is_skipped_when_someone_leaves_between_two_pages() -> None:
    first, second, third = hire(3)
    pages = pages_of_active_employees(per_page=2)
    next(pages)

    Employee.objects.filter(pk=first.pk).update(is_active=False)

    assert [page.employee_ids for page in pages] == [[third.pk]]
    assert second.is_active


def test_a_page_holds_a_thousand_at_most() -> None:
    hire(MOST_PER_PAGE + 1)

    assert [len(page) for page in pages_of_active_employees()] == [MOST_PER_PAGE, 1]
