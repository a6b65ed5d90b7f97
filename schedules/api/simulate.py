"""`/simulate`: what a timetable leads to, on a virtual clock."""

from datetime import timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from schedules.access import VIEW
from schedules.api.as_code import FileText
from schedules.operations.simulation.clock import Outage
from schedules.operations.simulation.shapes import simulation_shape
from schedules.operations.simulation.simulate import jobs_to_simulate, simulate
from schedules.querysets.clock import database_now
from schedules.rest.camel import WHOLE, Asked, Instant, Moment, Reply
from schedules.rest.rights import needs

router = Router(tags=["timetables as code"], by_alias=True)

MOST_OCCURRENCES = 100_000
"""What a second or two are enough for; the command line has no limit."""


class OutageRequest(Asked):
    """A time without Beat."""

    from_: Instant = Field(alias="from")
    to: Instant


class SimulationRequest(Asked):
    """Which span, with which jobs, and how long their runs take."""

    from_: Instant = Field(alias="from")
    to: Instant
    file: FileText | None = Field(None, description="As if this were applied before.")
    slow: bool = Field(False, description="Runs take as long as 95 of 100 of the last ones did.")
    length_seconds: Annotated[int, Field(ge=1, le=86_400), WHOLE] = Field(
        1, description="Of runs of jobs that have not run yet."
    )
    outages: Annotated[list[OutageRequest], Field(max_length=20)] = []


class WhyNot(Reply):
    """Why occurrences did not run."""

    state: str
    reason: str
    number: int


class SimulatedJob(Reply):
    """What became of one job's occurrences: each is in exactly one of `ran`, `skipped`, `missed`,
    `cancelled` and `waiting`.
    """

    job_key: str
    length_ms: int
    is_length_known: bool
    occurrences: int
    ran: int
    skipped: int
    missed: int
    cancelled: int
    waiting: int
    reasons: list[WhyNot]
    slots_exhausted: int = Field(description="How many found as many running as may run at once.")
    first_exhausted: list[Moment]
    longest_wait_ms: int


class BusiestMinute(Reply):
    """A minute, and how many runs begin in it."""

    at: Moment
    starts: int


class MostAtOnce(Reply):
    """The first minute with the most runs."""

    at: Moment
    running: int


class SimulationReply(Reply):
    """What became of all jobs."""

    from_: Moment = Field(alias="from")
    to: Moment
    occurrences: int
    busiest_minutes: list[BusiestMinute]
    most_at_once: MostAtOnce
    items: list[SimulatedJob]


@router.post("/simulate", auth=needs(VIEW), response=SimulationReply, operation_id="simulate")
def simulate_timetable(request: HttpRequest, data: SimulationRequest) -> Any:
    """Try the timetable out on a virtual clock, with the planner's own code. Nothing is written.

    A span with more than 100,000 occurrences is refused.
    """
    jobs = jobs_to_simulate(
        now=database_now(),
        text=data.file,
        slow=data.slow,
        usual_length=timedelta(seconds=data.length_seconds),
    )
    outages = [Outage(since=outage.from_, until=outage.to) for outage in data.outages]
    simulation = simulate(
        jobs, begin=data.from_, end=data.to, outages=outages, most=MOST_OCCURRENCES
    )
    return simulation_shape(simulation)
