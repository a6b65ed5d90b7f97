"""Every list of the business opens, searches and filters in Django's admin."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from project.demo import load_demo
from schedules.public import database_now
from tasks.games.models import Game, GameSession

pytestmark = pytest.mark.django_db

NOW = datetime(2040, 6, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("page", "question", "shown"),
    [
        ("people_employee", "q=E0007", "E0007"),
        ("people_employee", "is_active__exact=0", "E0012"),
        ("meetings_meeting", "q=review&status__exact=upcoming", "Sprint review"),
        ("attendance_attendance", "q=E0007&status__exact=present", "WIB"),
        ("attendance_punchlog", "q=E0007&direction__exact=in", "gate-1"),
        ("attendance_leaverequest", "status__exact=approved", "approve"),
        ("memberships_membership", "q=Omar", "monthly"),
        ("reports_mailing", "state__exact=sent", "0 mailings"),
        ("games_game", "recurrence__exact=weekly", "Fri"),
        ("games_gamesession", "when=coming&q=omaha", "Fri 01 Jun 21:00 AEST"),
        ("games_gamesession", "when=over", "0 game sessions"),
    ],
)
def test_a_list_finds_what_is_asked_for(
    admin_client: Client, page: str, question: str, shown: str
) -> None:
    load_demo(now=NOW, employees=12)

    answer = admin_client.get(f"{reverse(f'admin:{page}_changelist')}?{question}")

    assert answer.status_code == 200
    assert shown in answer.content.decode()


def test_a_game_is_entered_with_boxes_for_its_weekdays(admin_client: Client) -> None:
    form = {
        "title": "Friday Night Poker",
        "recurrence": "weekly",
        "weekdays": ["4", "5"],
        "start_time": "19:30",
        "duration": "02:00:00",
        "timezone": "Australia/Sydney",
        "starts_on": "2030-01-01",
        "is_active": "on",
    }

    answer = admin_client.post(reverse("admin:games_game_add"), form)

    assert answer.status_code == 302
    assert Game.objects.get().weekdays == [4, 5]


def test_games_are_ended_by_the_dozen_with_their_sessions_to_come(admin_client: Client) -> None:
    load_demo(now=database_now(), employees=1)
    chosen = list(Game.objects.values_list("pk", flat=True))

    page = reverse("admin:games_game_changelist")
    answer = admin_client.post(page, {"action": "end", "_selected_action": chosen}, follow=True)

    assert f"{len(chosen)} games ended" in answer.content.decode()
    assert not Game.objects.filter(is_active=True).exists()
    assert not GameSession.objects.to_come(database_now()).exists()
