"""The wheel in somebody else's project: another user model, other addresses, jobs of its own."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from project.devstack.broker import embedded_broker
from project.devstack.waiting import wait_until
from tests.project.programs import ROOT

OURS = ROOT / "schedules"
SHOP = ROOT / "tests" / "other_project"
OWNER = "owner@shop.example"

SET_UP = f"""
import shop.settings, django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
django.setup()
from django.core.management import call_command
for words in (["makemigrations", "shop"], ["makemigrations", "schedules", "--check"],
              ["migrate"], ["check"], ["scheduler", "install"]):
    call_command(*words)
from shop.models import Customer
Customer.objects.create_superuser({OWNER!r})
"""
"""One process instead of six: the commands of a first set-up. With another user model, too, no
migration may be missing."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as a release does."""
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [built] = out.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_app_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if ".dist-info/" not in name}

    ours = {
        path.relative_to(ROOT).as_posix()
        for path in OURS.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == ours
    assert any(name.endswith(".html") for name in names)
    assert any(name.endswith(".css") for name in names)


def test_the_wheel_asks_for_every_package_that_the_app_imports() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    named: set[str] = {canonicalize_name(Requirement(line).name) for line in wanted}
    # These come with Celery, Django, django-celery-beat and pydantic themselves.
    named |= {"amqp", "asgiref", "billiard", "ephem", "kombu", "redis"}
    named |= {"django-timezone-field", "pydantic-core"}
    # These come with the extra, and are imported only where it is installed.
    named |= {"opentelemetry-api", "opentelemetry-semantic-conventions"}
    imported = set()
    for path in OURS.rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] in (["from"], ["import"]) and len(words) > 1:
                imported.add(words[1].partition(".")[0])
    brought_by = {
        name: {canonicalize_name(one) for one in distributions}
        for name, distributions in packages_distributions().items()
        if name in imported and name not in sys.stdlib_module_names
    }

    # Several may bring parts of one name, as those of OpenTelemetry do.
    assert [name for name, those in brought_by.items() if not those & named] == []


def test_the_shop_has_what_the_readme_says_to_the_letter() -> None:
    section = (ROOT / "README.md").read_text().partition("## In your own project")[2]
    block = section.partition("```python\n")[2].partition("```")[0]
    named = re.split(r"^# shop/(\S+)\n", block, flags=re.MULTILINE)[1:]
    said = dict(zip(named[::2], named[1::2], strict=True))

    for name in ("__init__.py", "celery.py"):
        whole = (SHOP / "shop" / name).read_text()
        assert whole.partition('"""\n\n')[2].strip() == said[name].strip()
    for name in ("settings.py", "urls.py"):
        lines = (SHOP / "shop" / name).read_text().splitlines()
        assert [line for line in said[name].splitlines() if line not in lines] == []
    assert "shop" in said["settings.py"].partition("schedules")[2].partition("]")[0]


@dataclass
class Shop:
    """The project in a folder of its own, with the wheel and without this checkout."""

    folder: Path
    environment: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def manage(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run its command line."""
        return self.python("manage.py", *words, **variables)

    def python(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python in it."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            check=False,
            text=True,
        )

    def start(self, command: list[str]) -> None:
        """Start a process that ends with the shop."""
        with (self.folder / f"{len(self.started)}.log").open("wb") as log:
            self.started.append(
                subprocess.Popen(
                    command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
                )
            )

    def close(self) -> None:
        """Stop what was started, the last first."""
        for process in reversed(self.started):
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def shop(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Make the shop, its tables and its jobs."""
    place = tmp_path_factory.mktemp("elsewhere")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(place / "packages")
    shutil.copytree(SHOP, place / "project", ignore=shutil.ignore_patterns("__pycache__"))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    paths = os.pathsep.join([str(place / "packages"), str(place / "project")])
    broker = embedded_broker(place / "valkey")
    shop = Shop(
        place / "project",
        {
            **kept,
            "PYTHONPATH": paths,
            "SHOP_BROKER": broker.url,
            "PYTHONWARNINGS": "error::Warning:shop",
        },
    )
    shop.start(broker.command)
    wait_until(lambda: asyncio.run(broker.is_ready()), what="the broker's answer")
    try:
        done = shop.python("-c", SET_UP)
        assert done.returncode == 0, done.stderr[-2000:]
        yield shop
    finally:
        shop.close()


@pytest.mark.stack
def test_pages_api_and_tokens_work_under_another_prefix(shop: Shop) -> None:
    made = shop.manage("scheduler", "token", "create", "--user", OWNER, "--json")
    token = json.loads(made.stdout)["token"]
    done = shop.python("probe.py", token)

    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    assert str(shop.folder.parent / "packages") in seen["schedules"]
    assert seen["foreign"] == []
    assert set(seen["pages"].values()) == {200}, seen["pages"]
    assert seen["outside"] == 404
    assert seen["addresses"] == ["/ops"]
    assert seen["style"]
    assert seen["roles"] == {
        "super-admin": [200, 200, 200],
        "hr-admin": [403, 200, 403],
        "employee": [403, 403, 403],
    }
    assert seen["job"]["key"] == "sell"
    assert seen["job"]["intervalSeconds"] == 1


@pytest.mark.stack
def test_its_own_job_runs_by_its_timetable_and_by_hand(shop: Shop) -> None:
    celery = [sys.executable, "-m", "celery", "-A", "shop"]
    shop.start([*celery, "beat", "--pidfile="])
    shop.start([*celery, "worker", "-c", "1"])

    done = shop.manage("scheduler", "trigger", "sell", "--wait", "--timeout", "60", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["resultSummary"] == "sold: umbrella"

    def timetabled() -> bool:
        runs = json.loads(shop.manage("scheduler", "runs", "sell", "--json").stdout)["items"]
        return any(r["origin"] == "timetable" and r["statusName"] == "success" for r in runs)

    wait_until(timetabled, what="a run by the timetable")
    # A run of this very second may be under way.
    wait_until(lambda: shop.manage("scheduler", "verify").returncode == 0, what="balanced books")


@pytest.mark.stack
def test_what_is_missing_stops_the_start_with_its_remedy(shop: Shop) -> None:
    done = shop.manage("check", SHOP_URLCONF="shop.bare_urls")

    assert done.returncode == 1
    assert "schedules.E007" in done.stderr
    assert "include('schedules.urls')" in done.stderr
    celery = shop.folder / "shop" / "celery.py"
    kept = celery.read_text()
    celery.write_text(
        kept.replace("from schedules.app import Downbeat", "import celery").replace(
            "Downbeat(", "celery.Celery("
        )
    )
    try:
        plain = shop.manage("check")
    finally:
        celery.write_text(kept)
    assert plain.returncode == 1
    assert "schedules.E006" in plain.stderr
    assert "from schedules.app import Downbeat" in plain.stderr
