"""What the scheduler says about itself, as JSON: the books, findings, repairs."""

from pydantic import Field

from schedules.api.run_schemas import Execution
from schedules.rest.camel import Asked, Moment, Reply


class ExplanationReply(Reply):
    """What became of a job at an instant: facts for programs, the same in sentences."""

    job_key: str
    at: Moment
    is_occurrence: bool
    version: int | None = Field(description="Of the timetable in force; null where none was.")
    run: Execution | None
    sentences: list[str]


class Examples(Reply):
    """The first instants of each kind."""

    missing: list[Moment] = []
    extra: list[Moment] = []
    duplicate: list[Moment] = []
    unfinished: list[Moment] = []


class BalanceReply(Reply):
    """The books of one job."""

    job_key: str
    balances: bool
    expected: int
    missing: int
    extra: int
    duplicate: int
    unfinished: int
    examples: Examples


class BooksReply(Reply):
    """The books of all jobs asked for."""

    after: Moment = Field(alias="from")
    until: Moment = Field(alias="to")
    balances: bool
    expected: int
    missing: int
    extra: int
    duplicate: int
    unfinished: int
    items: list[BalanceReply]


class FindingReply(Reply):
    """One thing that is wrong."""

    check: str
    found: str
    remedy: str


class FindingList(Reply):
    """All that is wrong, the gravest first."""

    items: list[FindingReply]


class InstallRequest(Asked):
    """Whether what operators have changed or deleted is discarded."""

    replace_existing: bool = False


class InstallReply(Reply):
    """What an installation did, by the keys of jobs."""

    created: list[str]
    updated: list[str]
    unchanged: list[str]
    disabled: list[str]
    deleted: list[str] = Field(description="Jobs that a person has deleted; they stay so.")
    drifted: dict[str, list[str]] = Field(description="Fields that an operator has changed.")


class RecoveryReply(Reply):
    """What was put back."""

    triggers: list[str]
    created: list[str]
    updated: list[str]
