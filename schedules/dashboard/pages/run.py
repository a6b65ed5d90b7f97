"""One run: its way from due to done, what went in and came out, what belongs to it."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from schedules.dashboard.drawing.curves import curve
from schedules.dashboard.drawing.story import Stretch, story_bar
from schedules.dashboard.flower import flower_of
from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.json_text import as_text
from schedules.dashboard.words.states import tone_of
from schedules.models import Run
from schedules.operations.missed import may_be_dismissed
from schedules.operations.outcome_checks.judging import history_of, verdict_of
from schedules.operations.parked import is_parked
from schedules.operations.run_story import Step, Story, story_of
from schedules.operations.shapes import result_data
from schedules.states import FINAL, WAITING, RunState

LONGEST_TRACEBACK = 60_000
LONGEST_LOG = 70_000


@page
def run(reader: Reader, *, task_id: UUID) -> HttpResponse:
    """Show a run. Seven statements."""
    shown = run_or_404(task_id)
    story = story_of(shown)
    context = {
        "here": "runs",
        "run": shown,
        "job": shown.job,
        "story": story,
        "steps": [
            {"step": step, "words": _words(step), "tone": tone_of(step.state)}
            for step in story.steps
        ],
        "bar": story_bar(_stretches(story.steps)) if len(story.steps) > 1 else None,
        "instance": story.instances.get(shown.instance_id) if shown.instance_id else None,
        "is_at_work": shown.state in (RunState.SENT, RunState.RUNNING),
        "can_cancel": shown.state in WAITING,
        "can_retry": shown.state in FINAL,
        "can_move": is_parked(shown),
        "can_dismiss": may_be_dismissed(shown),
        "can_recheck": shown.state == RunState.SUCCEEDED and shown.job and shown.job.checks,
        "flower": flower_of(task_id=shown.task_id) if shown.sent_at else "",
        "did_not_run": shown.state in (RunState.MISSED, RunState.SKIPPED) and shown.job_id,
        **(_details(shown, story) if reader.may_view_details else {}),
    }
    return show(reader, "schedules/run.html", context)


def run_or_404(task_id: UUID) -> Run:
    """Return the run with its job."""
    found = Run.objects.select_related("job", "job__task_function").filter(task_id=task_id).first()
    if found is None:
        raise Http404
    return found


def _details(shown: Run, story: Story) -> dict[str, Any]:
    result = story.result
    data = result_data(result)
    traceback = (result.traceback or "") if result else ""
    progress = shown.progress or {}
    return {
        "arguments": as_text({"args": shown.args, "kwargs": shown.kwargs}),
        "result": None if data is None else as_text(data),
        "traceback": traceback[-LONGEST_TRACEBACK:],
        "is_traceback_cut": len(traceback) > LONGEST_TRACEBACK,
        "log": shown.log[-LONGEST_LOG:],
        "done": progress.get("done"),
        "total": progress.get("total"),
        **_checks(shown),
    }


def _checks(shown: Run) -> dict[str, Any]:
    """What the job's checks said, and the numbers they speak of over the runs before."""
    verdict = verdict_of(shown)
    if verdict is None:
        return {}
    figures = [
        {
            "name": figure.name,
            "last": figure.values[-1],
            "before": figure.values[:-1],
            "drawing": curve(
                figure.values,
                title=figure.name,
                description=_("the last %(number)s runs, this one at the end")
                % {"number": len(figure.values)},
            ),
        }
        for figure in history_of(shown, verdict)
    ]
    return {"findings": verdict.findings, "checked_at": verdict.at, "check_figures": figures}


def _words(step: Step) -> str:
    attempt = {"number": step.attempt}
    return {
        "planned": _("planned"),
        "due": _("due"),
        "sent": _("sent to the broker"),
        "started": _("attempt %(number)s began") % attempt,
        "tried": _("attempt %(number)s ended") % attempt,
        "ended": _("done"),
    }[step.kind]


def _stretches(steps: Sequence[Step]) -> list[Stretch]:
    """What lay between the steps, from when the run was due: it may have been parked for years."""
    due = next((place for place, step in enumerate(steps) if step.kind == "due"), 0)
    shown = steps[due:]
    words = {
        "planned": (_("to be planned"), "off"),
        "sent": (_("to the broker"), "calm"),
        "started": (_("for a worker"), "warn"),
        "tried": (_("at work"), "live"),
        "ended": (_("at work"), "live"),
        "due": (_("parked"), "off"),
    }
    stretches = []
    for before, step in pairwise(shown):
        name, tone = words[step.kind]
        if step.kind == "ended" and before.kind != "started":
            name, tone = _("until it was decided"), "off"
        stretches.append(Stretch(name, max(step.at - before.at, timedelta(0)), tone))
    return stretches
