"""Runs and their attempts: to read, and to cancel. Fast however long the log is."""

from collections import Counter
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import DateTimeField, Model, QuerySet, Value
from django.http import HttpRequest
from django.utils.safestring import SafeString

from schedules.access import may_view_details
from schedules.admin.badges import badge, moment
from schedules.admin.reading import SchedulerAdmin
from schedules.models import Attempt, Job, Run
from schedules.operations.cancel import CANCELLED, cancel_run
from schedules.operations.decided import DecidedByRow
from schedules.operations.wording import duration
from schedules.querysets.clock import database_now
from schedules.redaction import redacted

DETAILS = frozenset({"args", "kwargs", "options", "error", "log", "summary"})
"""What went into a run and came out of it; has a permission of its own."""

MOST_JOBS_OFFERED = 200


class JobFilter(admin.SimpleListFilter):
    """Runs of one job. Offers the jobs there are, not those that a scan of the log would find."""

    title = "job"
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer jobs by key."""
        keys = Job.objects.order_by("key").values_list("pk", "key")[:MOST_JOBS_OFFERED]
        return [(str(number), key) for number, key in keys]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """Keep the runs of the chosen job; a number that is none keeps nothing."""
        chosen = self.value()
        if chosen is None:
            return queryset
        return queryset.filter(job__in=Job.objects.named(chosen).values("pk"))


class AttemptInline(admin.TabularInline):  # type: ignore[type-arg]
    """The tries of one run."""

    model = Attempt
    fields = ("number", "outcome", "started_at", "ended_at", "instance_id", "pid", "error")
    readonly_fields = fields
    ordering = ("number",)
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who may see what came out of a run: an attempt shows its error."""
        return may_view_details(request.user)


@admin.register(Run)
class RunAdmin(SchedulerAdmin):
    """Every occurrence and every one-off call, newest first."""

    list_display = (
        "what",
        "scheduled",
        "state_badge",
        "origin",
        "started_at",
        "took",
        "attempt",
        "reason",
    )
    # Not by origin: there is no index in whose order a rare one would be found.
    list_filter = ("state", JobFilter)
    list_select_related: ClassVar[Any] = False
    search_fields = ("task_id",)
    search_help_text = "An execution id, a job's key, or the subject of a one-off call: exactly."
    ordering = ("-scheduled_at", "-id")
    inlines = (AttemptInline,)
    actions = ("cancel_selected",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """The runs, each with the instant of reading."""
        runs: QuerySet[Run] = super().get_queryset(request)
        return runs.annotate(read_at=Value(database_now(), DateTimeField()))

    def get_fields(self, request: HttpRequest, obj: Run | None = None) -> Any:
        """Every column, without what goes in and comes out for those who may not see that."""
        names = [field.name for field in Run._meta.fields]
        return names if may_view_details(request.user) else [n for n in names if n not in DETAILS]

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The run, with secrets masked; it is only shown and never saved."""
        run: Any = super().get_object(request, *args, **kwargs)
        if run is not None:
            for name in ("args", "kwargs", "options"):
                setattr(run, name, redacted(getattr(run, name)))
        return run

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """Find by equality only: a search inside texts would read the whole log."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(task_id=UUID(term)), False
        except ValueError:
            pass
        if (job := Job.objects.filter(key=term).first()) is not None:
            return queryset.filter(job=job), False
        return queryset.filter(natural_key=term), False

    @admin.display(description="Run")
    def what(self, run: Run) -> str:
        """Show the job's key; of a one-off call its subject or its task."""
        return run.job_key or run.natural_key or run.task

    @admin.display(description="Scheduled", ordering="scheduled_at")
    def scheduled(self, run: Any) -> SafeString | str:
        """Show the nominal instant."""
        return moment(run.scheduled_at, now=run.read_at)

    @admin.display(description="State")
    def state_badge(self, run: Run) -> SafeString | str:
        """Show where the run stands."""
        return badge(run.state)

    @admin.display(description="Took")
    def took(self, run: Run) -> str:
        """Show how long the last attempt took."""
        if run.started_at is None or run.finished_at is None:
            return "-"
        return duration(run.finished_at - run.started_at)

    @admin.action(description="Cancel what has not started", permissions=["operate"])
    def cancel_selected(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        """Cancel the selected runs that wait; say of the others why not."""
        now = database_now()
        answers: Counter[str] = Counter()
        for run in Run.objects.filter(pk__in=runs.values("pk")):
            try:
                answers[cancel_run(run, by=request.user, source="admin", now=now)] += 1
            except DecidedByRow as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
        for answer, number in sorted(answers.items()):
            level = messages.SUCCESS if answer == CANCELLED else messages.WARNING
            self.message_user(request, f"{number} {answer.replace('_', ' ')}.", level)


@admin.register(Attempt)
class AttemptAdmin(SchedulerAdmin):
    """Ended tries, newest first."""

    list_display = ("run_id", "number", "outcome_badge", "started_at", "ended_at", "pid")
    list_filter = ("outcome",)
    list_select_related: ClassVar[Any] = False
    ordering = ("-id",)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who may see what came out of a run."""
        return may_view_details(request.user)

    @admin.display(description="Outcome")
    def outcome_badge(self, attempt: Attempt) -> SafeString | str:
        """Show how the try ended."""
        return badge(attempt.outcome)
