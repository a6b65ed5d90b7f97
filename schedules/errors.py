"""What the package refuses, each with what was found and what is accepted instead."""


class InvalidInput(ValueError):
    """A value that was refused where it was entered.

    `field` names the input, `found` is the value as it came, `accepted` says in words what would be
    taken. `str()` is the one sentence a person reads; interfaces that have fields (JSON, forms) use
    the parts.
    """

    def __init__(self, field: str, found: object, accepted: str) -> None:
        super().__init__(field, found, accepted)
        self.field = field
        self.found = found
        self.accepted = accepted

    def __str__(self) -> str:
        found = self.found if isinstance(self.found, str) else repr(self.found)
        shown = found if len(found) <= 120 else f"{found[:117]}..."
        return f"{self.field} is {shown!r}: {self.accepted}."


class Missing(InvalidInput):
    """Nothing was entered where something is needed; `what` is it, where `field` is one of several
    places for it.
    """

    def __init__(self, field: str, accepted: str, *, what: str = "") -> None:
        super().__init__(field, "none", accepted)
        self.what = what

    def __str__(self) -> str:
        return f"{self.what or self.field} is missing: {self.accepted}."


class InvalidTimetable(InvalidInput):
    """A cron expression, zone, interval or instant that cannot be a timetable."""


class Refused(Exception):
    """An action that the state of things forbids. `str()` says what was found and what to do."""


class JobDisabled(Refused):
    """The job is disabled."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Job {key!r} is disabled, so it cannot be triggered. Enable it first.")


class JobDeleted(Refused):
    """The job is deleted; only its history remains."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Job {key!r} is deleted; only its history remains.")


class JobInvalid(Refused):
    """The job cannot run as it stands."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"Job {key!r} cannot run: {reason}")


class WithoutRun(Refused):
    """A way to execute a declared task that no run could stand for."""

    def __init__(self, task: str, way: str) -> None:
        super().__init__(
            f"{way} would execute {task} without a run, so it is refused. Use delay or apply_async,"
            f" group((task.s(...) for ...)) for many, or call it as a function."
        )


class Superseded(Exception):
    """This attempt no longer owns its run: it was declared lost, or cancelled. Its work must not
    count.
    """

    def __init__(self, task_id: object, attempt: int) -> None:
        super().__init__(f"Attempt {attempt} no longer owns run {task_id}.")


class SkipRun(Exception):
    """Raised by a body that decides not to work. The run ends as skipped, with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ReportedFailure(Exception):
    """A body returned {"success": false}. `data` is all that it returned."""

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(message, data)
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return self.message


class UnplannedCall(Exception):
    """A message named a declared task but no run that it may execute: it was not planned here."""
