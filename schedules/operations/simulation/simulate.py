"""All jobs together on the virtual clock, as they are or as a file would have them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from graphlib import CycleError, TopologicalSorter

from schedules.dispatch.changes import as_changes as said_of
from schedules.dispatch.changes import rows_of
from schedules.dispatch.decide import NO_CHANGES, Change, Policy
from schedules.dispatch.plan import policy_of
from schedules.errors import InvalidInput
from schedules.halts import Halt, global_pauses, halts_of
from schedules.models import Job, Run
from schedules.operations.as_code.described import Described, as_changes
from schedules.operations.as_code.plan import Action, dependencies, describable, plan_file
from schedules.operations.outcomes import spread
from schedules.operations.preview import timetable_after
from schedules.operations.simulation.clock import Lived, Outage, Simulated, Traffic, live
from schedules.operations.timetables import OF_ITS_OWN_NEVER
from schedules.states import After, Overlap, RunState
from schedules.timing import Timetable, from_spec

USUAL_LENGTH = timedelta(seconds=1)
"""How long a run takes of a job that has not run yet, unless told otherwise."""

MOST_RUNS_READ = 100
LONGEST = timedelta(days=3660)
BUSIEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What became of all jobs between `begin` and `end`."""

    begin: datetime
    end: datetime
    jobs: Sequence[Lived]
    busiest: Sequence[tuple[datetime, int]]
    """The minutes in which most runs begin, and how many."""
    most_at_once: tuple[datetime, int]


def simulate(
    jobs: Iterable[Simulated],
    *,
    begin: datetime,
    end: datetime,
    outages: Sequence[Outage] = (),
    most: int | None = None,
) -> Simulation:
    """Let the jobs live from `begin` to `end`, both included. Writes nothing and reads nothing.

    Beat is punctual but for the `outages`; every run succeeds after its job's length. Raises
    InvalidInput for a span or an outage that is none, and for more than `most` occurrences.
    """
    _check(begin, end, outages)
    known = {job.key: job for job in jobs}
    followed = {key for job in known.values() for key, _ in job.after}
    traffic = Traffic(begin, end)
    lived: dict[str, Lived] = {}
    total = 0
    for key in _in_order(known):
        job = known[key]
        triggers = [
            at
            for upstream, outcome in job.after
            if upstream in lived and outcome is not After.FAILED
            for at in lived[upstream].ends or ()
            if at <= end.timestamp()
        ]
        lived[key] = live(
            job,
            begin=begin,
            end=end,
            outages=sorted(outages, key=lambda outage: outage.since),
            triggers=triggers,
            traffic=traffic,
            is_followed=key in followed,
            most=None if most is None else most - total,
        )
        total += lived[key].occurrences
        if most is not None and total > most:
            accepted = f"a shorter span: this one has more than {most} occurrences"
            raise InvalidInput("to", end.isoformat(), accepted)
    return Simulation(
        begin=begin,
        end=end,
        jobs=[lived[key] for key in sorted(lived)],
        busiest=[pair for pair in traffic.busiest(BUSIEST) if pair[1]],
        most_at_once=traffic.most_at_once(),
    )


def jobs_to_simulate(
    *,
    now: datetime,
    text: str | None = None,
    slow: bool = False,
    usual_length: timedelta = USUAL_LENGTH,
) -> list[Simulated]:
    """Return the enabled jobs, or those that there would be after `text` was applied.

    Each run takes as long as half of the job's last successes did at most, or, if `slow`, as 95 of
    100 did; `usual_length` where there is none. Raises InvalidFile.
    """
    everything = global_pauses()
    after = dependencies()
    plan = None if text is None else plan_file(text, now=now)
    known = list(describable()) if plan is None else list(plan.known.values())
    said = {number: said_of(rows) for number, rows in rows_of(known, now=now).items()}
    read = _Reader(everything, said, slow=slow, usual_length=usual_length)
    if plan is None:
        return [read.stored(job, after.get(job.pk, ())) for job in known if job.is_enabled]
    changes = {change.key: change for change in plan.changes}
    found = [
        read.stored(job, after.get(job.pk, ()))
        for key, job in plan.known.items()
        if job.is_enabled and key not in changes
    ]
    for change in plan.changes:
        if change.action is Action.KEEP:
            assert change.job is not None
            if change.job.is_enabled:
                found.append(read.stored(change.job, after.get(change.job.pk, ())))
        elif change.action is not Action.DISABLE and change.wanted["isEnabled"]:
            names = {each.name for each in change.differences} or change.wanted.keys()
            found.append(read.wanted(change.key, change.job, change.wanted, names, now=now))
    return found


class _Reader:
    """Makes jobs to simulate of rows and descriptions."""

    def __init__(
        self,
        everything: Sequence[Halt],
        said: Mapping[int, Mapping[datetime, Change]],
        *,
        slow: bool,
        usual_length: timedelta,
    ) -> None:
        self._everything = everything
        self._said = said
        self._slow = slow
        self._usual_length = usual_length

    def stored(self, job: Job, after: Iterable[tuple[str, str]]) -> Simulated:
        assert job.timetable is not None
        length = self._length_of(job)
        return Simulated(
            key=job.key,
            timetable=from_spec(job.timetable),
            policy=policy_of(job, everything=self._everything),
            max_instances=job.max_instances,
            overlap=Overlap(job.overlap),
            length=self._usual_length if length is None else length,
            is_known=length is not None,
            after=[(key, After(when)) for key, when in after],
            changes=self._changes_of(job),
        )

    def wanted(
        self, key: str, job: Job | None, wanted: Described, names: Iterable[str], *, now: datetime
    ) -> Simulated:
        values = as_changes(wanted, wanted)
        timetable: Timetable = OF_ITS_OWN_NEVER.timetable
        if wanted["timetable"]:
            timetable = timetable_after(job, changes=as_changes(wanted, names), now=now)
        length = None if job is None else self._length_of(job)
        halts = tuple(self._everything) if job is None else halts_of(job, self._everything)
        return Simulated(
            key=key,
            timetable=timetable,
            policy=Policy(
                misfire_grace=values["misfire_grace"],
                coalesce=values["coalesce"],
                jitter=values["jitter"],
                one_off=values["one_off"] or "runAt" in wanted["timetable"],
                halts=halts,
            ),
            max_instances=values["max_instances"],
            overlap=Overlap(values["overlap"]),
            length=self._usual_length if length is None else length,
            is_known=length is not None,
            after=[(one["job"], After(one["when"])) for one in wanted["after"]],
            changes=NO_CHANGES if job is None else self._changes_of(job),
        )

    def _changes_of(self, job: Job) -> Mapping[datetime, Change]:
        # One that has its run ahead of its time is an occurrence of the span all the same.
        said = self._said.get(job.pk, NO_CHANGES)
        return {at: change._replace(is_planned=False) for at, change in said.items()}

    def _length_of(self, job: Job) -> timedelta | None:
        runs = Run.objects.filter(job=job, state=RunState.SUCCEEDED, started_at__isnull=False)
        rows = runs.order_by("-scheduled_at").values_list("started_at", "finished_at")
        took = [
            ended - began for began, ended in rows[:MOST_RUNS_READ] if began and ended is not None
        ]
        known = spread(took)
        return known.p95 if self._slow else known.p50


def _check(begin: datetime, end: datetime, outages: Sequence[Outage]) -> None:
    if not begin < end <= begin + LONGEST:
        accepted = f"an instant after from, {begin.isoformat()}, at most {LONGEST.days} days later"
        raise InvalidInput("to", end.isoformat(), accepted)
    for outage in outages:
        if not begin <= outage.since < outage.until:
            found = f"{outage.since.isoformat()}/{outage.until.isoformat()}"
            raise InvalidInput("outages", found, "a begin within the span, and an end after it")


def _in_order(jobs: Mapping[str, Simulated]) -> list[str]:
    """Return the keys, each after those of the jobs that it runs after."""
    try:
        order = TopologicalSorter({key: [up for up, _ in job.after] for key, job in jobs.items()})
        return [key for key in order.static_order() if key in jobs]
    except CycleError as error:
        raise InvalidInput(
            "after", error.args[1][0], "jobs that do not wait for each other"
        ) from None
