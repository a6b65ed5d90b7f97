"""What every page is made of: nothing inline, one outline, both directions, any prefix."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix

import schedules
from schedules.models import Job, Run
from tests.schedules.dashboard.site import addresses, questions, text_of

pytestmark = pytest.mark.django_db

PACKAGE = Path(schedules.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates" / "schedules").rglob("*.html"))
STYLES = sorted((PACKAGE / "static" / "schedules").glob("*.css"))


def test_policies_allow_nothing_inline_and_nothing_from_elsewhere(
    operator: Client, job: Job, runs: list[Run]
) -> None:
    for address in [*addresses(job, runs[0]), *questions(job, runs[0])]:
        headers = operator.get(address).headers

        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert "no-store" in headers["Cache-Control"]
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_carries_script_or_style(template: Path) -> None:
    text = template.read_text()

    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:|https?://", text)


def test_styles_know_both_directions_and_both_themes() -> None:
    styles = "".join(path.read_text() for path in STYLES)

    assert "light-dark(" in styles
    assert '[data-theme="dark"]' in styles
    assert "prefers-reduced-motion" in styles
    assert not re.search(r"(margin|padding|border)-(left|right)", styles)


class Outline(HTMLParser):
    """Collects what an assistive program goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.cells_without_scope = 0
        self.ids: list[str] = []
        self.drawings_without_name = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        found = dict(attrs)
        if tag == "th" and "scope" not in found:
            self.cells_without_scope += 1
        if found.get("id"):
            self.ids.append(str(found["id"]))
        is_silent = "aria-hidden" in found or (found.get("role") == "img" and "aria-label" in found)
        if tag == "svg" and not is_silent:
            self.drawings_without_name += 1


def test_they_can_be_read_without_seeing_them(operator: Client, job: Job, runs: list[Run]) -> None:
    for address in [*addresses(job, runs[0]), *questions(job, runs[0])]:
        page = text_of(operator, address)
        outline = Outline()
        outline.feed(page)

        counts = outline.counts
        assert (counts["h1"], counts["main"], counts["nav"] >= 1) == (1, 1, True), address
        assert counts.get("table", 0) == counts.get("caption", 0), address
        assert outline.cells_without_scope == 0, address
        assert outline.drawings_without_name == 0, address
        assert len(outline.ids) == len(set(outline.ids)), address
        assert 'class="skip" href="#main"' in page


@pytest.fixture
def prefix() -> Iterator[str]:
    """The path under which a server in front has put the site."""
    set_script_prefix("/ops/")
    yield "/ops"
    clear_script_prefix()


def test_every_page_works_behind_a_prefix(
    operator: Client, job: Job, runs: list[Run], prefix: str
) -> None:
    for address in [*addresses(job, runs[0]), *questions(job, runs[0])]:
        response = operator.get(address, SCRIPT_NAME=prefix)
        page = response.content.decode()
        inner = re.findall(r'(?:href|src|action|hx-get|hx-post)="(/[^"]*)"', page)
        # What a process says of its static files it works out once, so other tests' prefix stays.
        links = [found for found in inner if "/static/" not in found]

        assert response.status_code == 200, address
        assert [found for found in links if not found.startswith("/ops/")] == [], address
