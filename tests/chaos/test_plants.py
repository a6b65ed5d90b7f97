"""The planted bugs fit the product as it is: a plant that no longer takes would prove nothing."""

import os
import subprocess
import sys

import pytest

from chaos.plants import PLANTS
from schedules.models import Run

LAY_EACH = """
import os, sys
import django
django.setup()
import project.celery
from chaos.plants import PLANTS
for name in PLANTS:
    child = os.fork()
    if child == 0:
        try:
            PLANTS[name].patch()
        except BaseException as error:
            print(name, error)
            sys.stdout.flush()
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_every_plant_can_be_laid() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LAY_EACH],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "chaos.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("", 0), done.stderr


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.sql])
def test_what_a_plant_drops_is_there(name: str) -> None:
    constraints = {constraint.name for constraint in Run._meta.constraints}

    for statement in PLANTS[name].sql:
        assert statement.removeprefix("DROP INDEX ") in constraints
