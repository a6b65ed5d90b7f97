"""One job: its runs, its year, its figures, what comes next, its definition, its changes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.adapters.ignored import ignored_by
from schedules.alerts.reading import rules_about
from schedules.dashboard.drawing.bars import outcome_bars
from schedules.dashboard.drawing.curves import curve, scatter
from schedules.dashboard.drawing.heatmap import WEEKS_AHEAD, WEEKS_BACK, year
from schedules.dashboard.drawing.sparkline import sparkline
from schedules.dashboard.guard import page, show
from schedules.dashboard.pages.alerts import shown_rule
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.backfills import WHICH
from schedules.dashboard.words.choices import AFTER, OWNERS
from schedules.dashboard.words.json_text import as_text
from schedules.dashboard.words.lengths import length
from schedules.dashboard.words.policies import rules_of
from schedules.dashboard.words.states import STACK
from schedules.errors import InvalidInput
from schedules.models import Job, Run
from schedules.operations.backfill import backfills_of, progress_of
from schedules.operations.conditions import condition
from schedules.operations.day_totals import success_of
from schedules.operations.dependencies import dependencies_of, dependents_of
from schedules.operations.finding import Found, Wanted, find_runs
from schedules.operations.job_history import (
    days_of,
    days_to_come,
    entries_about,
    figures_of,
    last_runs,
    versions_of,
)
from schedules.operations.job_list import RUNS_DRAWN
from schedules.operations.listing import instance_names_of, list_jobs
from schedules.operations.outcomes import last_day, spread
from schedules.operations.upcoming import next_of
from schedules.querysets.newest import newest_of_jobs
from schedules.states import After, Which

RUNS_SHOWN = 25
NEXT_SHOWN = 20
NEXT_BESIDE_RUNS = 6

TABS = (
    ("runs", gettext_lazy("Runs")),
    ("calendar", gettext_lazy("Calendar")),
    ("charts", gettext_lazy("Charts")),
    ("next", gettext_lazy("Next")),
    ("backfills", gettext_lazy("Backfills")),
    ("dependencies", gettext_lazy("Dependencies")),
    ("alerts", gettext_lazy("Alerts")),
    ("definition", gettext_lazy("Definition")),
    ("changes", gettext_lazy("Changes")),
)


@page
def job(reader: Reader, *, number: int) -> HttpResponse:
    """Show one tab of a job's page; a deleted job has its page, too."""
    shown = job_or_404(number)
    tab = reader.request.GET.get("tab", "runs")
    tab = tab if tab in _CONTENTS else "runs"
    last = next(iter(list_jobs(Job.objects.filter(pk=shown.pk)))).last
    runs = newest_of_jobs([shown.pk], until=reader.now, number=RUNS_DRAWN)
    month = (reader.now - timedelta(days=30)).date()
    success = success_of([shown.pk], since=month).get(shown.pk)
    context = {
        "here": "jobs",
        "job": shown,
        "tab": tab,
        "tabs": TABS,
        "last": last,
        "ignored": ignored_by(shown.periodic_task_id),
        "condition": condition(shown, last=last.state if last else None, now=reader.now),
        "is_paused": shown.is_paused
        and (shown.paused_until is None or shown.paused_until > reader.now),
        "sparkline": sparkline(runs.get(shown.pk, [])),
        "success": success.share if success else None,
        "running": list(Run.objects.running().filter(job=shown)[:10]),
        **_CONTENTS[tab](reader, shown),
    }
    return show(
        reader, "schedules/job.html", context, status=400 if context.get("problem") else 200
    )


def job_or_404(number: int) -> Job:
    """Return the job with its task and periodic task."""
    found = Job.objects.select_related("task_function", "periodic_task").filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def _runs(reader: Reader, shown: Job) -> dict[str, Any]:
    cursor = reader.request.GET.get("cursor") or None
    wanted = Wanted(job=shown, until=None if cursor else reader.now)
    problem = ""
    try:
        found = find_runs(wanted, limit=RUNS_SHOWN, cursor=cursor)
    except InvalidInput as error:
        found, problem = Found(runs=[], cursor=None), str(error)
    return {
        "found": found,
        "problem": problem,
        "workers": instance_names_of(found.runs),
        "next": next_of(shown, now=reader.now, count=NEXT_BESIDE_RUNS),
    }


def _calendar(reader: Reader, shown: Job) -> dict[str, Any]:
    today = reader.now.date()
    past = days_of(shown, since=today - timedelta(weeks=WEEKS_BACK + 1))
    ahead = days_to_come(shown, now=reader.now, number=7 * (WEEKS_AHEAD + 1))
    rows = [
        {
            "day": day,
            "numbers": [
                sum(counts[str(state)] for state in states) for _tone, states, _word in STACK
            ],
        }
        for day, counts in sorted(past.items(), reverse=True)[:31]
    ]
    return {"heatmap": year(past, ahead, today=today), "stack": STACK, "day_rows": rows}


def _charts(reader: Reader, shown: Job) -> dict[str, Any]:
    runs = last_runs(shown, now=reader.now)
    zone = reader.zone()
    took = [
        (run, run.finished_at - run.started_at)
        for run in runs
        if run.started_at and run.finished_at
    ]
    late = [(run, max(run.started_at - run.due_at, timedelta(0))) for run in runs if run.started_at]

    def drawn(values: list[tuple[Run, timedelta]], title: str) -> dict[str, Any]:
        known = spread([value for _run, value in values])
        dots = [
            (run.state, value, f"{reader.shown(run.scheduled_at, zone)}: {length(value)}")
            for run, value in values
        ]
        return {
            "title": title,
            "spread": known,
            "drawing": scatter(dots, title=title, p50=known.p50, p95=known.p95),
        }

    figures = figures_of(runs) if reader.may_view_details else []
    return {
        "charts": [drawn(took, _("Duration")), drawn(late, _("Lateness"))] if runs else [],
        "samples": len(runs),
        "bars": outcome_bars(last_day(now=reader.now, job=shown).hours, show=reader.hour),
        "stack": STACK,
        "figures": [
            {
                "name": figure.name,
                "last": figure.values[-1],
                "low": min(figure.values),
                "high": max(figure.values),
                "drawing": curve(
                    figure.values,
                    title=figure.name,
                    description=_("last %(number)s successes") % {"number": len(figure.values)},
                ),
            }
            for figure in figures
        ],
    }


def _next(reader: Reader, shown: Job) -> dict[str, Any]:
    return {"next": next_of(shown, now=reader.now, count=NEXT_SHOWN)}


def _backfills(reader: Reader, shown: Job) -> dict[str, Any]:
    backfills = backfills_of(shown)
    progress = progress_of(backfills)
    rows = [(each, WHICH[Which(each.which)], progress[each.pk]) for each in backfills]
    return {"backfills": rows}


def _dependencies(reader: Reader, shown: Job) -> dict[str, Any]:
    return {
        "dependencies": [(one, AFTER[After(one.on)]) for one in dependencies_of(shown)],
        "dependents": [(one, AFTER[After(one.on)]) for one in dependents_of(shown)],
    }


def _alerts(reader: Reader, shown: Job) -> dict[str, Any]:
    rules = rules_about(shown)
    return {
        "own_rules": [shown_rule(rule, now=reader.now) for rule in rules if rule.job_id],
        "general_rules": [shown_rule(rule, now=reader.now) for rule in rules if not rule.job_id],
    }


def _definition(reader: Reader, shown: Job) -> dict[str, Any]:
    arguments = {"args": shown.args, "kwargs": shown.kwargs}
    return {
        "rules": rules_of(shown),
        "owner": dict(OWNERS).get(shown.owner, shown.owner),
        "arguments": as_text(arguments) if reader.may_view_details else None,
    }


def _changes(reader: Reader, shown: Job) -> dict[str, Any]:
    return {"versions": versions_of(shown), "entries": entries_about(shown)}


_CONTENTS: dict[str, Callable[[Reader, Job], dict[str, Any]]] = {
    "runs": _runs,
    "calendar": _calendar,
    "charts": _charts,
    "next": _next,
    "backfills": _backfills,
    "dependencies": _dependencies,
    "alerts": _alerts,
    "definition": _definition,
    "changes": _changes,
}
