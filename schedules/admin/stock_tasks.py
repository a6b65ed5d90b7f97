"""django-celery-beat's page of periodic tasks: when and what, beside how it stands and how it runs.

Its rows are read by Beat when they are edited. Its actions are the scheduler's own verbs.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import DateTimeField, Model, QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from schedules.access import actor_name, may_manage, may_view
from schedules.adapters.ignored import ignored_by
from schedules.admin.badges import badge, moment
from schedules.admin.jobs import POLICY, JobForm
from schedules.admin.stock_forms import StrictPeriodicTaskForm
from schedules.admin.stock_rights import StockAdmin
from schedules.admin.stock_schedules import in_words
from schedules.errors import InvalidInput, Refused
from schedules.models import Job
from schedules.operations.edit import EDITABLE, edit_job
from schedules.operations.listing import last_finished
from schedules.operations.switch import delete_job, disable_job, enable_job
from schedules.operations.trigger import trigger
from schedules.operations.wording import timetable_words
from schedules.public.admin import damaged
from schedules.querysets.clock import database_now
from schedules.states import Owner

admin.site.unregister(PeriodicTask)

NOT_READ = "Beat has not read this row yet."


class PolicyInline(admin.StackedInline):  # type: ignore[type-arg]
    """How the job runs. The row is made by Beat, so there is none to add."""

    model = Job
    form = JobForm
    fields = POLICY
    can_delete = False
    max_num = 1
    extra = 0
    verbose_name = verbose_name_plural = "policy"

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who may view the scheduler."""
        return may_view(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who may manage the scheduler."""
        return may_manage(request.user)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False


@admin.register(PeriodicTask)
class StrictPeriodicTaskAdmin(StockAdmin, PeriodicTaskAdmin):  # type: ignore[misc]
    """When and what a job runs, with its policy below."""

    form = StrictPeriodicTaskForm
    list_display = ("name", "enabled", "scheduler", "next_run", "last_outcome", "owner", "one_off")
    # Not by task: that filter would read the distinct values of the whole table.
    list_filter = ("enabled", "one_off")
    date_hierarchy = None
    autocomplete_fields = ("interval", "crontab", "solar", "clocked")
    inlines = (PolicyInline,)
    shown = ("state", "note")
    readonly_fields = (*shown, "last_run_at", "crontab_translation", "queue")
    # Exchange, routing key and headers are not offered and the queue is only shown, since who
    # routes messages chooses what runs; priority and grace are below, in the policy.
    fieldsets = (
        (None, {"fields": (*shown, "name", "regtask", "task", "enabled", "description")}),
        (
            "Schedule",
            {
                "fields": (
                    "interval",
                    "crontab",
                    "crontab_translation",
                    "solar",
                    "clocked",
                    "start_time",
                    "expires",
                    "last_run_at",
                    "one_off",
                )
            },
        ),
        ("Arguments", {"fields": ("args", "kwargs", "queue")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[PeriodicTask]:
        """The tasks with their jobs, the latest outcome and the instant of reading."""
        tasks: QuerySet[PeriodicTask] = super().get_queryset(request)
        read_at = Value(database_now(), DateTimeField())
        shown: QuerySet[PeriodicTask] = tasks.select_related("job").annotate(
            last_state=last_finished("state", of="job__pk"), read_at=read_at
        )
        return shown

    def subject_of(self, obj: PeriodicTask) -> str:
        """Return the job's name in the audit record."""
        job = job_of(obj)
        return f"job:{job.key if job else obj.name}"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form; one damaged crontab does not take every form with it."""
        whole = CrontabSchedule.objects.exclude(pk__in=list(damaged(CrontabSchedule, request)))
        chosen = whole.filter(periodictask=object_id) if object_id else ()
        words = {crontab.pk: in_words(crontab) for crontab in chosen}
        context = {**(extra_context or {}), "readable_crontabs": words}
        # Not the parent's: it reads all crontabs once more, and fails at the first damaged one.
        page: HttpResponse = super(PeriodicTaskAdmin, self).changeform_view(
            request, object_id, form_url, extra_context=context
        )
        return page

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """The policy, of a row that Beat has read."""
        return self.inlines if obj is not None and job_of(obj) is not None else ()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save what was changed of the policy, as the job's own page does, in the row's entry."""
        formset.save(commit=False)  # says what changed; the rows are written by the verb
        for policy, changed in formset.changed_objects:
            edit_job(
                policy,
                fields=[name for name in changed if name in EDITABLE],
                by=request.user,
                source="admin",
                now=database_now(),
                beside=form.difference,
            )
            form.difference = ({}, {})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As elsewhere; nobody deletes a critical job."""
        job = job_of(obj) if obj is not None else None
        is_critical = job is not None and job.is_primary
        return not is_critical and super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: PeriodicTask) -> None:
        """Delete the job for good, as a person's word, and then its row here."""
        job = job_of(obj)
        if job is None or not job.is_active:
            super().delete_model(request, obj)
            return
        with transaction.atomic():
            delete_job(job, by=request.user, source="admin", now=database_now())
            obj.delete()

    @admin.display(description="Crontab in words")
    def crontab_translation(self, task: PeriodicTask) -> str:
        """Show the chosen crontab in words."""
        job = job_of(task)
        if job is not None and job.cron_text and task.crontab_id:
            return f"{timetable_words(job)} (Celery would read it differently)"
        return in_words(task.crontab) if task.crontab_id else "-"

    @admin.display(description="Next run", ordering="job__next_run_at")
    def next_run(self, task: Any) -> SafeString | str:
        """Show the next occurrence, or why there is none."""
        job = job_of(task)
        if job is None:
            return NOT_READ
        if job.invalid_reason:
            return format_html("{} {}", badge("invalid"), job.invalid_reason)
        return moment(job.next_run_at, now=task.read_at)

    @admin.display(description="Last outcome")
    def last_outcome(self, task: Any) -> SafeString | str:
        """Show how the latest run ended."""
        return badge(task.last_state)

    @admin.display(description="Owner", ordering="job__owner")
    def owner(self, task: PeriodicTask) -> str:
        """Show whether code declares the job."""
        job = job_of(task)
        return str(Owner(job.owner).label) if job else "-"

    @admin.display(description="How it stands")
    def state(self, task: Any) -> SafeString | str:
        """Show timetable in force, next run, last outcome and what of the row has no effect; or why
        it cannot run.
        """
        job = job_of(task)
        if job is None:
            return NOT_READ
        if job.invalid_reason:
            return format_html("{} {}", badge("invalid"), job.invalid_reason)
        return format_html(
            "{}; next {}; last {} {}",
            timetable_words(job),
            moment(job.next_run_at, now=task.read_at),
            badge(task.last_state),
            " ".join(f"{sentence}." for sentence in ignored_by(task.pk)),
        )

    @admin.display(description="Owner")
    def note(self, task: PeriodicTask) -> str:
        """Say of a row that code owns what an edit here means."""
        job = job_of(task)
        if job is None or job.owner != Owner.DECLARED:
            return "An operator's own."
        changed = ", ".join(job.overridden)
        drift = f" Changed by operators so far: {changed}." if changed else ""
        return (
            f"Declared in code as {job.task}. What you change here stays over restarts and shows as"
            f" drift; `scheduler install --replace-existing` takes it back.{drift}"
        )

    @admin.action(description="Enable selected tasks", permissions=["change"])
    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Let the jobs run by their timetables again."""
        self._for_each(request, queryset, "enabled", self._enable)

    @admin.action(description="Disable selected tasks", permissions=["change"])
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Stop the jobs."""
        self._for_each(request, queryset, "disabled", self._disable)

    @admin.action(description="Toggle activity of selected tasks", permissions=["change"])
    def toggle_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Enable those that are disabled, and the other way round."""

        def toggle(request: HttpRequest, task: PeriodicTask) -> str:
            return (self._disable if task.enabled else self._enable)(request, task)

        self._for_each(request, queryset, "toggled", toggle)

    @admin.action(description="Run selected tasks", permissions=["operate"])
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Plan one extra run of each job, with its own arguments, queue, priority and limits."""

        def run(request: HttpRequest, task: PeriodicTask) -> str:
            job = job_of(task)
            if job is None:
                raise InvalidInput("task", task.name, "a row that Beat has read; wait a second")
            by = actor_name(request.user)
            planned = trigger(job, now=database_now(), by=by, source="admin")
            return f"{job.key} ({planned.task_id})"

        self._for_each(request, queryset, "triggered", run)

    def _for_each(
        self,
        request: HttpRequest,
        tasks: QuerySet[PeriodicTask],
        done: str,
        act: Callable[[HttpRequest, PeriodicTask], str],
    ) -> None:
        """Act on each; say which were done, and of the others why not."""
        names = []
        for task in tasks:
            try:
                with transaction.atomic():
                    names.append(act(request, task))
            except (Refused, InvalidInput) as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
        if names:
            shown = ", ".join(names[:20])
            more = f" and {len(names) - 20} more" if len(names) > 20 else ""
            self.message_user(request, f"{len(names)} {done}: {shown}{more}.", messages.SUCCESS)

    def _enable(self, request: HttpRequest, task: PeriodicTask) -> str:
        return self._switch(request, task, enabled=True)

    def _disable(self, request: HttpRequest, task: PeriodicTask) -> str:
        return self._switch(request, task, enabled=False)

    def _switch(self, request: HttpRequest, task: PeriodicTask, *, enabled: bool) -> str:
        job = job_of(task)
        if job is not None and job.is_active:
            verb = enable_job if enabled else disable_job
            verb(job, by=request.user, source="admin", now=database_now())
        elif task.enabled != enabled:
            # Beat has not read it yet; the edit is noticed like any other.
            PeriodicTask.objects.filter(pk=task.pk).update(enabled=enabled)
            self.trace(request, "enable" if enabled else "disable", task)
        return str(task.name)


def job_of(task: PeriodicTask) -> Job | None:
    """Return the task's job; None until Beat has read the row."""
    return getattr(task, "job", None)
