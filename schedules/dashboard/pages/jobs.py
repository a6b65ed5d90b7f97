"""The table of jobs."""

from django.http import HttpResponse

from schedules.dashboard.drawing.sparkline import sparkline
from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.choices import OWNERS
from schedules.dashboard.words.states import sign_of
from schedules.operations.conditions import Condition, condition
from schedules.operations.job_list import WantedJobs, page_of_job_lines

CONDITIONS = (
    Condition.OK,
    Condition.LATE,
    Condition.FAILING,
    Condition.PAUSED,
    Condition.DISABLED,
    Condition.INVALID,
    Condition.ENDED,
)


@page
def jobs(reader: Reader) -> HttpResponse:
    """Show a page of the jobs that fit the filters in the address."""
    query = reader.request.GET
    state, owner = query.get("state", ""), query.get("owner", "")
    wanted = WantedJobs(
        text=query.get("q", "").strip()[:200],
        condition=Condition(state) if state in CONDITIONS else None,
        owner=owner if owner in dict(OWNERS) else "",
        sort=query.get("sort", "name"),
    )
    found = page_of_job_lines(wanted, page=_whole(query.get("page", "")), now=reader.now)
    context = {
        "here": "jobs",
        "sort": wanted.sort,
        "wanted": wanted,
        "is_filtered": bool(wanted.text or wanted.condition or wanted.owner),
        "conditions": [(each.value, sign_of(each).word) for each in CONDITIONS],
        "owners": OWNERS,
        "found": found,
        "lines": [
            {
                "job": line.row.job,
                "last": line.row.last,
                "condition": condition(
                    line.row.job,
                    last=line.row.last.state if line.row.last else None,
                    now=reader.now,
                ),
                "sparkline": sparkline(line.runs),
                "success": line.success.share if line.success else None,
            }
            for line in found.lines
        ],
    }
    return show(reader, "schedules/jobs.html", context)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1
