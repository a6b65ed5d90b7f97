"""What is shipped for servers: files that tools accept, settings that Django calls safe."""

import configparser
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from ruamel.yaml import YAML

from project.celery import app
from tests.project.programs import ROOT, run_python

PRODUCTION = {
    "ENVIRONMENT": "prod",
    "SECRET_KEY": "k" * 30 + "0123456789abcdefghijABCDEFGHIJ-_!",
    "ALLOWED_HOSTS": "jobs.example.com",
    "DATABASE_URL": "postgresql://downbeat:x@127.0.0.1:1/downbeat",
    "REDIS_URL": "redis://:x@127.0.0.1:1/0",
    "FLOWER_BASIC_AUTH": "flower:x",
}
PARTS = ("migrate", "web", "beat", "worker", "flower")


def compose() -> Any:
    return YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())


def tool(*command: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name(command[0])
    return subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_compose_file_is_one() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = tool("hadolint", "--failure-threshold", "style", "Dockerfile")

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_part_is_confined_and_watched() -> None:
    services = compose()["services"]

    assert set(services) == {"postgres", "valkey", *PARTS}
    for name in PARTS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert name == "migrate" or service["healthcheck"]["test"][-1] == name
    assert services["migrate"]["healthcheck"] == {"disable": True}
    assert services["valkey"]["user"] == "valkey"
    assert services["beat"]["deploy"] == {"replicas": 2}
    assert "USER 10001" in (ROOT / "Dockerfile").read_text()


def test_no_image_floats_and_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / "Dockerfile").read_text()
    services = compose()["services"]

    assert ":latest" not in text
    assert all(":" in service["image"] for service in services.values())
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if any(word in name for word in ("PASSWORD", "SECRET", "AUTH", "TOKEN")):
                assert value.startswith("${"), name


def test_systemd_runs_what_compose_runs() -> None:
    services = compose()["services"]
    units = {path.stem.strip("@"): path for path in (ROOT / "deploy" / "systemd").glob("*.service")}

    assert sorted(units) == sorted(f"downbeat-{name}" for name in PARTS)
    for name in PARTS:
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(units[f"downbeat-{name}"])
        program, *arguments = unit["Service"]["ExecStart"].split()
        wanted = services[name]["command"]
        assert program == f"/opt/downbeat/.venv/bin/{wanted[0]}"
        assert [each for each in arguments if "%" not in each] == wanted[1:]
        assert unit["Service"]["NoNewPrivileges"] == "yes"


def test_every_variable_of_the_example_is_used() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    lines = (ROOT / "deploy" / "env.example").read_text().splitlines()
    names = [line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")]

    assert [name for name in names if f"${{{name}:" not in text] == []


def test_django_calls_the_production_settings_safe() -> None:
    done = run_python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "FLOWER_BASIC_AUTH"])
def test_every_secret_may_stand_in_a_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{PRODUCTION[name]}\n")
    variables = {**PRODUCTION, name: "", f"{name}_FILE": str(file)}
    show = (
        "from django.conf import settings as s; import json;"
        "print(json.dumps([s.SECRET_KEY, s.DATABASES['default']['PASSWORD'], s.BROKER_URL,"
        " s.FLOWER_BASIC_AUTH]))"
    )

    done = run_python("-c", show, DJANGO_SETTINGS_MODULE="project.settings", **variables)

    assert json.loads(done.stdout) == [
        PRODUCTION["SECRET_KEY"],
        "x",
        PRODUCTION["REDIS_URL"],
        PRODUCTION["FLOWER_BASIC_AUTH"],
    ]


def test_a_file_that_is_not_there_is_one_line() -> None:
    done = run_python("manage.py", "check", **{**PRODUCTION, "METRICS_TOKEN_FILE": "/nowhere"})

    assert done.returncode == 2
    assert done.stderr == (
        "METRICS_TOKEN_FILE is '/nowhere': write the path of a text file that this user may read.\n"
    )


def test_what_a_worker_tells_of_its_settings_is_no_secret() -> None:
    """Flower shows anybody who is let in what `inspect conf` answers."""
    told = json.dumps(app.conf.table(with_defaults=True, censored=True), default=str)
    password = app.conf.broker_url.rpartition("@")[0].rpartition(":")[2]
    assert not password or password not in told


ROUTES = ("/", "/admin/login/", "/healthz", "/readyz", "/metrics", "/api/v1/openapi.json",
          "/api/v1/nowhere", "/nowhere", "/static/schedules/admin.css", "/scheduler/")  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_has_its_headers(route: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))

    answer = client.get(route)
    headers = answer.headers
    answer.close()

    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


@pytest.mark.django_db
def test_the_one_script_in_a_page_is_allowed_by_its_hash() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))

    page = client.get("/admin/django_celery_beat/periodictask/add/")

    assert "'sha256-" in page.headers["Content-Security-Policy"]
    assert "sha256-" not in client.get("/admin/").headers["Content-Security-Policy"]
