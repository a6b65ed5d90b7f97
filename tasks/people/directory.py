"""The workforce directory: who is active, page by page. Other areas ask here, not the table."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tasks.people.models import Employee

MOST_PER_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Up to 1,000 people of the directory.

    `unknown` are codes that the directory calls active and that have no employee row here; the
    local directory never has any.
    """

    employee_ids: list[int]
    unknown: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.employee_ids) + len(self.unknown)


def pages_of_active_employees(*, per_page: int = MOST_PER_PAGE) -> Iterator[Page]:
    """Yield all active employees, each once, in the order they were entered.

    Each page is one short read. Someone who is hired or leaves between two pages may or may not be
    included; nobody else is skipped or comes twice.
    """
    last = 0
    while True:
        # By key and not by offset, which would skip people when somebody before them leaves.
        following = Employee.objects.active().filter(pk__gt=last).order_by("pk")
        ids = list(following.values_list("pk", flat=True)[:per_page])
        if ids:
            yield Page(employee_ids=ids)
            last = ids[-1]
        if len(ids) < per_page:
            return
