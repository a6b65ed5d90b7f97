"""Jobs: how they stand, and the part of their policy that people may change.

When and what a job runs is changed at its periodic task, on django-celery-beat's page.
"""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import DateTimeField, Model, QuerySet, Value
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from schedules.access import actor_name, may_manage, may_view
from schedules.adapters.ignored import ignored_by
from schedules.admin.badges import badge, moment
from schedules.admin.reading import SchedulerAdmin
from schedules.errors import InvalidInput, Refused
from schedules.models import Dependency, Job
from schedules.operations.conditions import condition
from schedules.operations.dependencies import check_dependency
from schedules.operations.edit import EDITABLE, edit_job
from schedules.operations.listing import last_finished
from schedules.operations.soundness import check_outcome_checks, check_policy
from schedules.operations.trigger import trigger
from schedules.operations.wording import timetable_words
from schedules.querysets.clock import database_now
from schedules.states import After

NAMES = ("name_en", "name_ar", "name_id", "description_en", "description_ar", "description_id")
POLICY = tuple(name for name in EDITABLE if name not in NAMES)
LONGEST = timedelta(days=3660)
"""Of a length of time in a policy, as in the API; SQLite holds none that is much longer."""


class JobForm(forms.ModelForm):  # type: ignore[type-arg]
    """Names and policy, checked together."""

    def clean(self) -> dict[str, Any]:
        """Refuse what contradicts itself, at the field that is wrong."""
        values = super().clean() or {}
        for name in self.changed_data:
            if isinstance(values.get(name), timedelta) and values[name] > LONGEST:
                self.add_error(name, f"{name} is {values[name]}: at most {LONGEST.days} days.")
        try:
            check_policy(values, job=self.instance)
            check_outcome_checks(values.get("checks"), task=self.instance.task)
        except InvalidInput as refusal:
            self.add_error(refusal.field, str(refusal))
        return values


class DependencyForm(forms.ModelForm):  # type: ignore[type-arg]
    """One job that the job runs after; a circle is refused here."""

    def clean(self) -> dict[str, Any]:
        """Refuse jobs that would wait for each other."""
        values = super().clean() or {}
        upstream = values.get("upstream")
        if upstream is not None:
            try:
                check_dependency(self.instance.job, upstream)
            except (InvalidInput, Refused) as refusal:
                self.add_error("upstream", str(refusal))
        return values


class DependencyInline(admin.TabularInline):  # type: ignore[type-arg]
    """What the job runs after; each change goes through the operation, which records it."""

    model = Dependency
    form = DependencyForm
    fk_name = "job"
    fields = ("upstream", "on")
    autocomplete_fields = ("upstream",)
    extra = 0
    verbose_name = "job that it runs after"
    verbose_name_plural = "runs after"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dependency]:
        """Those in force."""
        return super().get_queryset(request).filter(until__isnull=True)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may view the scheduler."""
        return may_view(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may manage the scheduler, unless the job is deleted."""
        return may_manage(request.user) and (not isinstance(obj, Job) or obj.is_active)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The same."""
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The same."""
        return self.has_change_permission(request, obj)


@admin.register(Job)
class JobAdmin(SchedulerAdmin):
    """The list says how each job stands; the form changes names and policy."""

    form = JobForm
    inlines = (DependencyInline,)
    list_display = (
        "key",
        "condition",
        "timetable_words",
        "next_run",
        "last_outcome",
        "last_run",
        "owner",
    )
    list_filter = ("is_enabled", "is_active", "job_type", "owner", "is_primary")
    search_fields = ("key", "name_en", "name_ar", "name_id", "task")
    ordering = ("key",)
    actions = ("trigger_now",)
    shown = (
        "key",
        "condition",
        "reasons",
        "timetable_words",
        "next_run",
        "last_outcome",
        "last_run",
        "periodic_task_link",
    )
    rest = ("task", "args", "kwargs", "queue", "owner", "overridden", "is_enabled", "is_active")
    readonly_fields = (*shown, *rest, "pause", "version", "created_at", "updated_at", "updated_by")
    fieldsets = (
        (None, {"fields": shown}),
        ("Names", {"fields": NAMES}),
        ("Policy", {"fields": POLICY}),
        ("As installed", {"fields": (*rest, "pause")}),
        ("Changes", {"fields": ("version", "created_at", "updated_at", "updated_by")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Each job with the outcome of its latest run and the instant of reading: one statement."""
        jobs: QuerySet[Job] = super().get_queryset(request)
        return jobs.annotate(
            last_state=last_finished("state"),
            last_finished_at=last_finished("finished_at"),
            read_at=Value(database_now(), DateTimeField()),
        )

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who may manage the scheduler; a deleted job is only history."""
        return may_manage(request.user) and (not isinstance(obj, Job) or obj.is_active)

    def save_model(self, request: HttpRequest, obj: Job, form: Any, change: bool) -> None:
        """Nothing yet: what the job runs after is a part of the same change."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save all that was changed, with one audit entry."""
        for formset in formsets:
            formset.save(commit=False)  # says what changed; the rows are written by the verb
        edit_job(
            form.instance,
            fields=[name for name in form.changed_data if name in EDITABLE],
            after=_chosen(formsets[0]) if formsets and formsets[0].has_changed() else None,
            by=request.user,
            source="admin",
            now=database_now(),
        )

    @admin.display(description="State")
    def condition(self, job: Any) -> SafeString | str:
        """Show how the job stands."""
        return badge(condition(job, last=job.last_state, now=job.read_at))

    @admin.display(description="Timetable")
    def timetable_words(self, job: Job) -> str:
        """Show the timetable in force."""
        return timetable_words(job)

    @admin.display(description="Next run", ordering="next_run_at")
    def next_run(self, job: Any) -> SafeString | str:
        """Show the next occurrence."""
        return moment(job.next_run_at, now=job.read_at)

    @admin.display(description="Last outcome")
    def last_outcome(self, job: Any) -> SafeString | str:
        """Show how the latest run ended."""
        return badge(job.last_state)

    @admin.display(description="Last ended")
    def last_run(self, job: Any) -> SafeString | str:
        """Show when the latest run ended."""
        return moment(job.last_finished_at, now=job.read_at)

    @admin.display(description="Reasons")
    def reasons(self, job: Job) -> str:
        """Show why the job cannot run, what a person should look at, and what has no effect."""
        ignored = [f"{sentence}." for sentence in ignored_by(job.periodic_task_id)]
        return " ".join(filter(None, [job.invalid_reason, job.flagged_reason, *ignored])) or "-"

    @admin.display(description="Pause")
    def pause(self, job: Any) -> SafeString | str:
        """Show who paused the job, until when and why."""
        if not job.is_paused:
            return "-"
        until = moment(job.paused_until, now=job.read_at)
        return format_html("by {}, until {}: {}", job.paused_by, until, job.pause_reason or "-")

    @admin.display(description="Periodic task")
    def periodic_task_link(self, job: Job) -> SafeString | str:
        """Link to the page where the timetable and the arguments are changed."""
        if job.periodic_task_id is None:
            return "deleted"
        try:
            page = reverse(
                "admin:django_celery_beat_periodictask_change", args=[job.periodic_task_id]
            )
        except NoReverseMatch:
            return str(job.periodic_task_id)
        return format_html('<a href="{}">Change timetable or arguments</a>', page)

    @admin.action(description="Trigger now", permissions=["operate"])
    def trigger_now(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Plan one extra run of each selected job; the timetables do not change."""
        planned: list[str] = []
        for job in jobs:
            try:
                run = trigger(job, now=database_now(), by=actor_name(request.user), source="admin")
            except (Refused, InvalidInput) as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                planned.append(f"{job.key} ({run.task_id})")
        if planned:
            self.message_user(request, f"Triggered: {', '.join(planned)}.", messages.SUCCESS)


def _chosen(formset: Any) -> list[tuple[Job, After]]:
    """Return the jobs, each with an outcome, that the lines of the form leave."""
    lines = [
        form.instance
        for form in formset.forms
        if form not in formset.deleted_forms and (form.has_changed() or form.instance.pk)
    ]
    return [(line.upstream, After(line.on)) for line in lines]
