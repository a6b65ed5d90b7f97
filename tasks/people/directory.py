"""The workforce directory: who is active, page by page. Other areas ask here, not the table.

It is the local table, or with `WORKFORCE_GRPC_TARGET` the Workforce service over gRPC. People whom
the service names for the first time get an employee row, since attendance is kept by those; rows
that exist are left as they are.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError

from tasks.people.models import Employee

if TYPE_CHECKING:
    from tasks.people.workforce.workforce_pb2 import Employee as Entry

log = logging.getLogger(__name__)

MOST_PER_PAGE = 1000


class Unknown(NamedTuple):
    """Somebody whom the directory calls active and who can have no row: the code, and why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Up to 1,000 people of the directory.

    `unknown` are people whom the directory calls active and for which there can be no employee row;
    the local directory never has any.
    """

    employee_ids: list[int]
    unknown: list[Unknown] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.employee_ids) + len(self.unknown)


class DirectoryFailed(Exception):
    """The directory broke off. `str()` says at which page and why; pages before it are whole."""


def pages_of_active_employees(*, per_page: int = MOST_PER_PAGE) -> Iterator[Page]:
    """Yield all active employees, each once.

    Each page is one short read. Someone who is hired or leaves between two pages may or may not be
    included; nobody else is skipped or comes twice. Raises DirectoryFailed when the service does
    not give a page; what was yielded before holds.
    """
    if settings.WORKFORCE_GRPC_TARGET:
        return _pages_of_the_service(per_page)
    return _pages_of_the_table(per_page)


def _pages_of_the_table(per_page: int) -> Iterator[Page]:
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


def _pages_of_the_service(per_page: int) -> Iterator[Page]:
    # Not loaded where nobody needs it: gRPC takes 20 MB.
    from tasks.people.workforce.client import Directory, DirectoryUnavailable, fetch_pages

    directory = Directory(
        target=settings.WORKFORCE_GRPC_TARGET,
        deadline=timedelta(seconds=settings.WORKFORCE_GRPC_DEADLINE_SECONDS),
        tls=settings.WORKFORCE_GRPC_TLS,
        ca=settings.WORKFORCE_GRPC_CA,
        token=settings.WORKFORCE_GRPC_TOKEN,
    )
    seen: set[str] = set()
    try:
        for entries in fetch_pages(directory, per_page=per_page):
            fresh = []
            for entry in entries:
                if entry.code not in seen:
                    fresh.append(entry)
                    seen.update([entry.code] if entry.code else [])
            if len(fresh) < len(entries):
                extra = {"action": "directory_repeats", "count": len(entries) - len(fresh)}
                log.warning("the directory names people twice", extra=extra)
            yield _page(fresh)
    except DirectoryUnavailable as error:
        raise DirectoryFailed(str(error)) from error


def _page(entries: Sequence["Entry"]) -> Page:
    """Find the employees of these entries, and make those who are new."""
    usable, unknown = [], []
    for entry in entries:
        person = Employee(code=entry.code, name=entry.name, email=entry.email)
        person.timezone = entry.timezone or person.timezone
        try:
            _check(person)
        except ValidationError as error:
            code = _readable(entry.code)
            extra = {"action": "directory_entry_refused", "code": code}
            reason = "; ".join(error.messages)
            log.warning("%s", reason, extra=extra)
            unknown.append(Unknown(code, reason))
        else:
            usable.append(person)
    codes = [person.code for person in usable]
    here = set(Employee.objects.filter(code__in=codes).values_list("code", flat=True))
    new = [person for person in usable if person.code not in here]
    # Harmless when the run is repeated or was taken away meanwhile, so it needs no fence.
    Employee.objects.bulk_create(new, ignore_conflicts=True)
    found = Employee.objects.filter(code__in=codes).order_by("pk")
    return Page(employee_ids=list(found.values_list("pk", flat=True)), unknown=unknown)


def _check(person: Employee) -> None:
    """Raise ValidationError for a person who cannot have a row, or whom nobody would find again."""
    person.clean_fields(exclude=["user"])
    for name in ("code", "name", "email", "timezone"):
        # Nothing else refuses it before PostgreSQL, which then refuses the whole page.
        if "\x00" in getattr(person, name):
            raise ValidationError(f"{name} holds U+0000: text without it.")
    if person.code != person.code.strip():
        raise ValidationError(f"code is {person.code!r}: no blanks around it.")


def _readable(code: str) -> str:
    """Return a code as it can be logged, stored and told apart by a reader."""
    if not code:
        return "(no code)"
    return code if code == code.strip() and code.isprintable() else repr(code)
