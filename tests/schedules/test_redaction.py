"""No secret is stored, shown or logged: a canary goes through every way in and is looked for."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django_celery_results.models import TaskResult

from schedules import redaction
from schedules.errors import InvalidInput
from schedules.models import Run
from schedules.redaction import is_secret_name, redact, redacted
from schedules.registry import check_arguments, find
from schedules.results import END_OF_TRACEBACK, MOST_BYTES, START_OF_TRACEBACK
from schedules.testing import execute
from tests.schedules import sample_jobs

CANARY = "c4n4ry-in-the-mine"
URL = f"postgresql://downbeat:{CANARY}@db.example.com:5432/downbeat"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    redaction.forget()
    yield
    redaction.forget()


@pytest.mark.parametrize(
    "name",
    ["password", "PASSWORD", "db_password", "api_key", "apiKey", "X-Api-Key", "token", "tokens",
     "client_secret", "Authorization", "set-cookie", "SUPABASE_SERVICE_ROLE_KEY"],
)  # fmt: skip
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["key", "job_key", "tokenizer", "secretary", "passenger", "name"])
def test_other_names_are_left_alone(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        f"password={CANARY}",
        f"password: {CANARY}, then more",
        f"{{'password': '{CANARY}'}}",
        f'{{"api_key": "{CANARY}"}}',
        f"Authorization: Bearer {CANARY}",
        f"curl -H 'authorization: Basic {CANARY}'",
        f"connecting to {URL} failed",
        f"redis://:{CANARY}@host:6379/0",
        f"https://x/?token={CANARY}&page=2",
        f"MY_SECRET={CANARY}",
    ],
)
def test_secrets_in_a_text_are_masked(text: str) -> None:
    assert CANARY not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text", ["the job key=nightly ended", "12 tokens were read", "https://example.com/a:b", "", "x"]
)
def test_ordinary_texts_stay(text: str) -> None:
    assert redact(text) == text


def test_structures_are_masked_by_name_and_inside() -> None:
    value = {"user": "siti", "password": CANARY, "list": [{"token": CANARY}, f"pwd {URL}"], "n": 1}

    assert redacted(value) == {
        "user": "siti",
        "password": "***",
        "list": [{"token": "***"}, "pwd postgresql://downbeat:***@db.example.com:5432/downbeat"],
        "n": 1,
    }


def test_what_the_settings_keep_secret_is_masked_wherever_it_stands(settings: Any) -> None:
    settings.EMAIL_HOST_PASSWORD = CANARY
    settings.CELERY_BROKER_URL = "redis://:br0ker-p%40ss@host/0"
    redaction.forget()

    assert redact(f"535 {CANARY} was refused; br0ker-p@ss too") == "535 *** was refused; *** too"


def test_masking_a_long_text_takes_no_time() -> None:
    text = "password " * 50_000 + "=" * 50_000 + "://" * 50_000

    assert len(redact(text)) <= len(text)


def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def database_dump() -> str:
    return json.dumps(
        {
            model._meta.label: list(model._default_manager.values())
            for config in ("schedules", "django_celery_results")
            for model in apps.get_app_config(config).get_models()
        },
        default=str,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["result", "exception", "log", "dsn", "message", "skip"])
def test_what_a_body_gives_away_is_stored_nowhere(settings: Any, way: str) -> None:
    settings.SCHEDULES = {"secrets": ["CANARY"]}
    settings.CANARY = CANARY
    redaction.forget()

    run = execute(sample_jobs.leak, way, "CANARY")

    assert CANARY not in database_dump()
    client = root()
    pages = [
        f"/api/v1/scheduler/runs/{run.task_id}",
        f"/api/v1/scheduler/runs/{run.task_id}/log",
        f"/admin/schedules/run/{run.pk}/change/",
        "/admin/django_celery_results/taskresult/",
        f"/admin/django_celery_results/taskresult/{TaskResult.objects.get().pk}/change/",
    ]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200
        assert CANARY not in answer.content.decode()


@pytest.mark.django_db
def test_a_body_gets_the_value_and_the_row_has_the_name(settings: Any) -> None:
    settings.SCHEDULES = {"secrets": ["CANARY"]}
    settings.CANARY = CANARY

    run = execute(sample_jobs.leak, "length", secret="CANARY")

    assert json.loads(TaskResult.objects.get().result) == len(CANARY)
    assert run.kwargs == {"secret": "CANARY"}


@pytest.mark.parametrize("given", [CANARY, "SECRET_KEY"])
def test_only_the_name_of_a_setting_for_jobs_is_taken(settings: Any, given: str) -> None:
    """Neither a secret itself, which the refusal does not repeat, nor any other setting."""
    settings.SCHEDULES = {"secrets": ["CANARY"]}
    declaration = find("sample_jobs.leak")
    assert declaration is not None

    with pytest.raises(InvalidInput) as refusal:
        check_arguments(declaration, ["result"], {"secret": given})

    assert given not in str(refusal.value)
    assert "CANARY" in str(refusal.value)


@pytest.mark.django_db
def test_arguments_that_look_secret_are_masked_where_they_are_shown(
    make_run: Callable[..., Run],
) -> None:
    run = make_run(kwargs={"x": 1, "password": CANARY})

    shown = root().get(f"/api/v1/scheduler/runs/{run.task_id}").json()

    assert shown["kwargs"] == {"x": 1, "password": "***"}


@pytest.mark.django_db
def test_a_traceback_of_two_megabytes_can_be_read() -> None:
    run = execute(sample_jobs.fail_at_length, 2_000_000)

    stored = TaskResult.objects.get()
    assert len(stored.traceback) < START_OF_TRACEBACK + END_OF_TRACEBACK + 100
    assert stored.traceback.startswith("Traceback (most recent call last)")
    assert stored.traceback.rstrip().endswith("the very end")
    assert len(run.error) == 10_000
    page = root().get(f"/admin/schedules/run/{run.pk}/change/").content.decode()
    assert len(page) < 200_000
    assert "<script>alert(1)</script>" not in page


@pytest.mark.django_db
def test_a_result_that_is_too_large_is_kept_by_its_beginning() -> None:
    execute(sample_jobs.return_much, 2 * MOST_BYTES)

    stored = json.loads(TaskResult.objects.get().result)
    assert stored["truncated"] is True
    assert "2000002 bytes" in stored["message"]
