"""The addresses of the pages, below the dashboard's own."""

from django.urls import path

from schedules.dashboard.actions.alert_editor import (
    change_channel,
    change_rule,
    new_channel,
    new_rule,
    remove_channel,
    remove_rule,
)
from schedules.dashboard.actions.alerts import mute, try_channel, unmute
from schedules.dashboard.actions.as_code import download, timetables
from schedules.dashboard.actions.backfills import end_backfill, new_backfill
from schedules.dashboard.actions.calendars import calendars
from schedules.dashboard.actions.calendars import edit as edit_calendar
from schedules.dashboard.actions.dependencies import new_dependency, remove_dependency
from schedules.dashboard.actions.failures import act_on_failures
from schedules.dashboard.actions.job_editor import edit_job, new_job
from schedules.dashboard.actions.jobs import act_on_job
from schedules.dashboard.actions.many import bulk, halt, unhalt
from schedules.dashboard.actions.occurrence_arguments import give_arguments
from schedules.dashboard.actions.occurrences import act_on_occurrence
from schedules.dashboard.actions.preferences import preferences
from schedules.dashboard.actions.runs import act_on_run
from schedules.dashboard.pages.alerts import alerts
from schedules.dashboard.pages.audit import audit
from schedules.dashboard.pages.job import job
from schedules.dashboard.pages.jobs import jobs
from schedules.dashboard.pages.missed import missed
from schedules.dashboard.pages.overview import overview
from schedules.dashboard.pages.parked import parked
from schedules.dashboard.pages.run import run
from schedules.dashboard.pages.runs import failures, runs
from schedules.dashboard.pages.timeline import timeline
from schedules.dashboard.pages.workers import workers

pages = [
    path("", overview, name="overview"),
    path("pause", halt, name="pause_all"),
    path("resume", unhalt, name="resume_all"),
    path("preferences", preferences, name="preferences"),
    path("jobs/", jobs, name="jobs"),
    path("jobs/new", new_job, name="new_job"),
    path("jobs/bulk", bulk, name="bulk"),
    path("jobs/<int:number>/", job, name="job"),
    path("jobs/<int:number>/edit", edit_job, name="edit_job"),
    path("jobs/<int:number>/backfill", new_backfill, name="new_backfill"),
    path("jobs/<int:number>/depend", new_dependency, name="new_dependency"),
    path(
        "jobs/<int:number>/depend/<int:upstream>/remove", remove_dependency, name="end_dependency"
    ),
    path("backfills/<uuid:backfill_id>/cancel", end_backfill, name="end_backfill"),
    path("jobs/<int:number>/<slug:verb>", act_on_job, name="act_on_job"),
    path(
        "jobs/<int:number>/occurrences/<str:at>/arguments",
        give_arguments,
        name="give_arguments",
    ),
    path(
        "jobs/<int:number>/occurrences/<str:at>/<slug:verb>",
        act_on_occurrence,
        name="act_on_occurrence",
    ),
    path("runs/", runs, name="runs"),
    path("runs/failures", failures, name="failures"),
    path("runs/failures/<slug:group_id>/<slug:verb>", act_on_failures, name="act_on_failures"),
    path("runs/<uuid:task_id>/", run, name="run"),
    path("runs/<uuid:task_id>/<slug:verb>", act_on_run, name="act_on_run"),
    path("timeline/", timeline, name="timeline"),
    path("missed/", missed, name="missed"),
    path("one-offs/", parked, name="parked"),
    path("calendars/", calendars, name="calendars"),
    path("calendars/new", edit_calendar, name="new_calendar"),
    path("calendars/by-name/<str:name>", edit_calendar, name="edit_calendar"),
    path("timetables/", timetables, name="timetables"),
    path("timetables/jobs.yaml", download, name="download_timetables"),
    path("workers/", workers, name="workers"),
    path("alerts/", alerts, name="alerts"),
    path("alerts/rules/new", new_rule, name="new_rule"),
    path("alerts/rules/<int:number>/edit", change_rule, name="edit_rule"),
    path("alerts/rules/<int:number>/delete", remove_rule, name="delete_rule"),
    path("alerts/rules/<int:number>/mute", mute, name="mute"),
    path("alerts/rules/<int:number>/unmute", unmute, name="unmute"),
    path("alerts/channels/new", new_channel, name="new_channel"),
    path("alerts/channels/<int:number>/edit", change_channel, name="edit_channel"),
    path("alerts/channels/<int:number>/delete", remove_channel, name="delete_channel"),
    path("alerts/channels/<int:number>/test", try_channel, name="try_channel"),
    path("audit/", audit, name="audit"),
]
