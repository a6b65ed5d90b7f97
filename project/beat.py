"""`python -m project.beat`: the Beat of `celery -A project beat`, without Celery's command line.

That one imports what any of its commands may need, Flower, a shell and a worker among it: 14 MB of
a Beat's memory and a good part of the time until it begins. The Beat itself is the same.
"""

import argparse
import gc

# What is imported stays. To look through it for garbage took a tenth of the start; the scheduler
# lets it begin (`schedules.beat`).
gc.disable()

from celery.utils.log import LOG_LEVELS
from django.conf import settings

from project.celery import app
from project.command_line import stop
from project.no_broker import HOW_TO_GET_ONE


def main() -> None:
    """Run a Beat until it is told to end."""
    parser = argparse.ArgumentParser(prog="python -m project.beat", description=__doc__)
    levels = [name for name in LOG_LEVELS if isinstance(name, str)]
    parser.add_argument("-l", "--loglevel", default="WARNING", type=str.upper, choices=levels)
    parser.add_argument("-n", "--hostname", help="node name, by which `inspect ping` knows it")
    options = parser.parse_args()
    if not settings.BROKER_URL:
        stop(HOW_TO_GET_ONE)
    app.Beat(loglevel=options.loglevel, hostname=options.hostname).run()


if __name__ == "__main__":
    main()
