"""`python -m project.beat` brings a Beat and nothing else into memory."""

from tests.project.programs import run_python

NOT_NEEDED = {
    "celery.bin",  # Celery's command line, which brings the next six
    "click_repl",
    "flower",
    "prometheus_client",
    "prompt_toolkit",
    "pygments",
    "tornado",
    "gunicorn",
    "ninja",
    "schedules.api",
    "schedules.dashboard",
    "schedules.urls",
    "project.api",
    "project.urls",
    "celery.apps.worker",
}


def test_a_beat_imports_no_command_line_no_pages_and_no_worker() -> None:
    code = (
        "import sys; from project.beat import app; app.Beat().init_loader();"
        "import schedules.beat; print(*sys.modules)"
    )
    ended = run_python("-c", code)

    assert ended.returncode == 0, ended.stderr
    loaded = ended.stdout.split()
    assert "schedules.beat" in loaded
    assert NOT_NEEDED.isdisjoint(loaded)
