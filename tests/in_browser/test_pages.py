"""Every page in a real browser: accessible in both themes and both directions, without a complaint
of the console, and as wide as its window.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Page

from schedules.models import Job, Run
from schedules.states import RunState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(500)]

Open = Callable[..., Page]
# Without the nodes that are as they should be, which are most of an answer.
ASKED = {"resultTypes": ["violations"]}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {**ASKED, "runOnly": WCAG}
CONTRAST = {**ASKED, "runOnly": {"type": "rule", "values": ["color-contrast"]}}


def addresses(jobs: list[Job], runs: list[Run]) -> list[str]:
    job = f"jobs/{jobs[0].pk}/"
    of_state = {run.state: f"runs/{run.task_id}/" for run in runs[:-1]}
    tabs = ("calendar", "charts", "next", "dependencies", "alerts", "definition", "changes")
    return [
        *("", "jobs/", job, *(f"{job}?tab={tab}" for tab in tabs), f"{job}edit", f"{job}pause"),
        *("jobs/new", "jobs/new?task=add", "runs/", "runs/failures"),
        *(of_state[RunState.RUNNING], of_state[RunState.FAILED], of_state[RunState.MISSED]),
        *("timeline/?span=1d", "missed/", "one-offs/", "workers/", "alerts/", "audit/"),
        *("alerts/rules/new", "alerts/channels/new", f"{job}depend", "timetables/"),
        f"{job}occurrences/{jobs[0].next_run_at:%Y-%m-%dT%H:%M:%SZ}/arguments",
    ]


def problems(page: Page, options: Mapping[str, object]) -> list[str]:
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("options => axe.run(options)", dict(options))["violations"]
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(
    ("language", "looks"),
    [("en", {"light": RULES, "dark": CONTRAST}), ("ar", {"dark": RULES})],
    ids=["en", "ar"],
)
def test_every_page_is_accessible(
    open_page: Open,
    jobs: list[Job],
    runs: list[Run],
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    looks: Mapping[Literal["light", "dark"], Mapping[str, object]],
) -> None:
    monkeypatch.setitem(settings.SCHEDULES, "flower_url", "https://flower.example.com/")
    page = open_page(language=language)
    found = []
    for address in addresses(jobs, runs):
        page.goto(f"/scheduler/{address}")
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        for theme, options in looks.items():
            page.emulate_media(color_scheme=theme)
            found += [f"{address}, {theme}: {problem}" for problem in problems(page, options)]

    assert found == []
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")


def test_empty_pages_are_accessible(open_page: Open) -> None:
    page = open_page()
    found = []
    for address in (
        "",
        "jobs/",
        "jobs/new",
        "runs/",
        "timeline/",
        "missed/",
        "one-offs/",
        "workers/",
        "audit/",
    ):
        page.goto(f"/scheduler/{address}")
        found += [f"{address}: {problem}" for problem in problems(page, RULES)]

    assert found == []


def test_no_page_is_wider_than_a_telephone(
    open_page: Open, jobs: list[Job], runs: list[Run]
) -> None:
    page = open_page(viewport={"width": 360, "height": 700})
    wide = []
    for address in addresses(jobs, runs):
        page.goto(f"/scheduler/{address}")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append(address)

    assert wide == []
