"""What did not run, or does not yet run, when it should: each with its consequence."""

from datetime import timedelta

from django.http import HttpResponse

from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.errors import InvalidInput
from schedules.operations.attention import concerns, outbox, overdue_runs
from schedules.operations.conditions import Condition
from schedules.operations.finding import Found, Wanted, find_runs
from schedules.states import RunState

PER_PAGE = 50
LOOKED_BACK = timedelta(days=30)


@page
def missed(reader: Reader) -> HttpResponse:
    """Show late jobs, overdue runs, and the missed occurrences that nobody has dismissed."""
    query = reader.request.GET
    with_dismissed = query.get("dismissed") == "yes"
    wanted = Wanted(
        states=(RunState.MISSED,),
        since=reader.now - LOOKED_BACK,
        is_dismissed=None if with_dismissed else False,
    )
    problem = ""
    try:
        found = find_runs(wanted, limit=PER_PAGE, cursor=query.get("cursor") or None)
    except InvalidInput as error:
        found, problem = Found(runs=[], cursor=None), str(error)
    late = [each for each in concerns(now=reader.now) if each.condition is Condition.LATE]
    context = {
        "here": "missed",
        "found": found,
        "problem": problem,
        "with_dismissed": with_dismissed,
        "late": late,
        "overdue": overdue_runs(now=reader.now),
        "outbox": outbox(now=reader.now),
    }
    return show(reader, "schedules/missed.html", context, status=400 if problem else 200)
