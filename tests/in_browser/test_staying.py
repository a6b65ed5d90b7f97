"""A page that stays open: filtered, come back to, logged out of, or left without an answer."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from schedules.models import Job, Run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(500)]

Open = Callable[..., Page]


def test_what_is_exported_is_what_is_shown(
    open_page: Open, jobs: list[Job], runs: list[Run]
) -> None:
    page = open_page("runs/")

    page.get_by_label("State").select_option("failed")
    expect(page.locator("tbody tr")).to_have_count(1)

    for format_ in ("CSV", "JSON"):
        expect(page.get_by_role("link", name=format_)).to_have_attribute(
            "href", re.compile("state=failed")
        )


def test_a_page_that_one_goes_back_to_works_as_before(
    open_page: Open, jobs: list[Job], runs: list[Run]
) -> None:
    page = open_page("one-offs/")
    page.locator("#q").press_sequentially("nothing")
    expect(page.locator("tbody tr")).to_have_count(0)

    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Move").click()

    expect(page.locator("#dialog")).to_be_visible()


def test_who_is_logged_out_meanwhile_is_led_to_the_login(open_page: Open, jobs: list[Job]) -> None:
    page = open_page("jobs/?state=paused")
    page.context.clear_cookies()

    page.keyboard.press("r")

    expect(page).to_have_url(re.compile(r"login/\?next=/scheduler/jobs/%3Fstate%3Dpaused"))


def test_who_is_logged_out_and_acts_is_led_to_the_login(open_page: Open, jobs: list[Job]) -> None:
    page = open_page(f"jobs/{jobs[0].pk}/")
    page.context.clear_cookies()

    page.get_by_role("link", name="Run now").click()

    expect(page).to_have_url(re.compile(rf"login/\?next=/scheduler/jobs/{jobs[0].pk}/run"))


def test_a_question_that_cannot_be_asked_any_more_is_answered(
    open_page: Open, jobs: list[Job], runs: list[Run]
) -> None:
    failed = next(run for run in runs if run.state == "failed")
    page = open_page(f"runs/{failed.task_id}/", bears=True)
    failed.delete()

    page.get_by_role("link", name="Run again").click()

    expect(page).to_have_url(f"/scheduler/runs/{failed.task_id}/retry")


@pytest.mark.parametrize("status", [503, 0])
def test_a_page_says_so_when_it_is_not_refreshed(
    open_page: Open, jobs: list[Job], status: int
) -> None:
    page = open_page("jobs/", bears=True)
    switch = page.locator("[data-live-switch]")
    page.route("**/*", lambda route: route.fulfill(status=status) if status else route.abort())

    page.keyboard.press("r")
    expect(switch).to_have_accessible_name("Not refreshed")
    expect(page.locator("#announcer")).to_have_text("Not refreshed")
    expect(page.locator("tbody tr")).to_have_count(2)

    page.unroute("**/*")
    page.keyboard.press("r")
    expect(switch).to_have_accessible_name("Live")
