"""Using the dashboard: by keyboard, in dialogs, with and without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from schedules.models import Job, Run
from schedules.states import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(500)]

Open = Callable[..., Page]


def test_keys_lead_to_every_page_and_a_list_tells_them(open_page: Open, jobs: list[Job]) -> None:
    page = open_page()

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    for letter, title in (("j", "Jobs"), ("r", "Runs"), ("m", "Missed and late"), ("a", "Audit")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page.locator("h1")).to_have_text(title)
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()


def test_the_first_stop_of_the_tab_key_skips_to_the_content(open_page: Open) -> None:
    page = open_page()

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_a_question_is_asked_in_a_dialog_and_its_answer_is_done(
    open_page: Open, jobs: list[Job]
) -> None:
    page = open_page(f"jobs/{jobs[0].pk}/")
    button = page.get_by_role("link", name="Run now")

    button.click()
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("It runs once, at once, beside its timetable")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    assert not Run.objects.exists()

    button.click()
    dialog.get_by_label("Reason").fill("a customer asks")
    dialog.get_by_role("button", name="Run now").click()

    expect(page.locator(".banner.good").first).to_contain_text("runs:")
    assert Run.objects.get().origin == Origin.OPERATOR


def test_many_jobs_are_chosen_and_paused(open_page: Open, jobs: list[Job]) -> None:
    page = open_page("jobs/")

    expect(page.locator("[data-picked]")).to_be_hidden()
    page.locator("[data-pick-all]").check()
    expect(page.locator("[data-picked-count]")).to_have_text("2")
    page.locator("[data-picked]").get_by_role("button", name="Pause").click()
    page.get_by_label("How long").select_option("1h")
    page.get_by_role("button", name="Pause").click()

    expect(page.locator(".banner.good").first).to_contain_text("2 jobs done")
    assert Job.objects.filter(paused_until__isnull=False).count() == 2


def test_a_filter_changes_the_list_and_the_address(open_page: Open, jobs: list[Job]) -> None:
    page = open_page("jobs/")

    page.get_by_label("State").select_option("paused")

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url("/scheduler/jobs/?q=&state=paused&owner=")


def test_the_timetable_is_previewed_while_it_is_typed(open_page: Open, jobs: list[Job]) -> None:
    page = open_page("jobs/new?task=add")

    page.get_by_label("Cron expression").fill("15 6 * * 1-5")
    page.get_by_label("Time zone").focus()

    expect(page.locator("#preview li")).to_have_count(10)
    expect(page.locator("#preview")).to_contain_text("Monday to Friday at 06:15")
    page.get_by_label("Interval").check()
    expect(page.get_by_label("Cron expression")).to_be_hidden()


def test_the_theme_is_the_one_of_the_admin(open_page: Open) -> None:
    page = open_page(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)

    page.locator("[data-theme-switch]").click()
    page.locator("[data-theme-switch]").click()

    # The name and the value that the admin's own script reads.
    assert page.evaluate("localStorage.getItem('theme')") == "dark"
    assert page.evaluate(ground) != light


def test_ones_own_zone_comes_from_the_browser(open_page: Open, jobs: list[Job]) -> None:
    page = open_page("jobs/", timezone_id="Asia/Tokyo")

    page.get_by_role("button", name="mine").click()

    expect(page.locator("tbody .zone").first).to_have_text("Tokyo")


def test_a_page_refreshes_itself_but_not_under_ones_hands(
    open_page: Open, jobs: list[Job], runs: list[Run]
) -> None:
    page = open_page("jobs/")

    Job.objects.filter(key="nightly").update(name_en="Renamed")
    page.locator("tbody input").first.check()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("tbody")).not_to_contain_text("Renamed")
    page.locator("tbody input").first.uncheck()
    page.locator("h1").click()
    page.keyboard.press("r")

    expect(page.locator("tbody")).to_contain_text("Renamed")


def test_a_run_at_work_is_followed_every_two_seconds_and_spoken_of_every_ten(
    open_page: Open, jobs: list[Job], runs: list[Run]
) -> None:
    running = next(run for run in runs if run.state == "running")
    page = open_page(f"runs/{running.task_id}/")
    page.clock.install()
    page.reload()

    Run.objects.filter(pk=running.pk).update(log="line 4\n")
    page.clock.run_for(2_100)
    expect(page.locator("main pre").last).to_have_text("line 4")
    Run.objects.filter(pk=running.pk).update(state="retrying", slot=None, publish_at=running.due_at)
    page.clock.run_for(2_100)

    expect(page.locator("h1 + .sign")).to_have_text("retrying")
    expect(page.locator("#announcer")).to_have_text("running")
    page.clock.run_for(10_000)
    expect(page.locator("#announcer")).to_have_text("retrying")


def test_without_javascript_everything_can_be_done(
    open_page: Open, jobs: list[Job], runs: list[Run]
) -> None:
    page = open_page(f"jobs/{jobs[0].pk}/", java_script_enabled=False)

    page.get_by_role("link", name="Pause").click()
    expect(page.locator("main .question")).to_contain_text("What comes due meanwhile is skipped")
    page.get_by_label("Reason").fill("by hand")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".banner.good").first).to_contain_text("is paused")
    page.goto("/scheduler/runs/")
    page.get_by_label("State").select_option("failed")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/scheduler/jobs/new?task=add")
    page.get_by_label("Cron expression").fill("0 5 * * *")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview li")).to_have_count(10)
    page.get_by_label("x", exact=True).fill("4")
    page.get_by_role("button", name="Create").click()
    expect(page.locator(".banner.good").first).to_contain_text("is saved")

    assert Job.objects.get(key="nightly").pause_reason == "by hand"
    assert Job.objects.count() == 3


def test_stored_markup_does_nothing(open_page: Open, jobs: list[Job]) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    Job.objects.update(name_en=evil, pause_reason=evil, invalid_reason=evil)

    page = open_page()
    for address in ("jobs/", f"jobs/{jobs[0].pk}/", f"jobs/{jobs[0].pk}/edit"):
        page.goto(f"/scheduler/{address}")
        assert "owned" not in page.evaluate("document.title").replace(evil, "")
        assert page.locator("img").count() == 0
