"""`./run chaos`: two Beats, two workers, a broker and a database under seeded faults.

Exits with 1 when a promise was broken, and with a plant also when none was: a planted bug that
nobody catches is the worst news of all.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chaos.plants import PLANTS
from chaos.report import document, lines, side_by_side
from chaos.trial import Wish, run, say

PLANT_QUIET_SECONDS = 15.0
"""How long each plant of `--plant all` is left alone at the end, at least."""

ALL = "all"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if every promise was kept, 1 if not."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _all_plants(options) if options.plant == ALL else _one(options)
    except KeyboardInterrupt:
        say("stopped; everything is ended and removed")
        return 130


def _one(options: argparse.Namespace) -> int:
    say(f"seed {options.seed}, {options.minutes:g} minutes, {options.database}")
    result = run(
        Wish(
            minutes=options.minutes,
            seed=options.seed,
            database=options.database,
            plant=options.plant,
            compare=options.compare,
            keep=options.keep,
        )
    )
    if options.json:
        head = {"seed": options.seed, "database": options.database, "plant": options.plant}
        print(json.dumps(head | document(result.judgement, result.columns)))
    else:
        print(f"seed              {options.seed}, {options.database}")
        for line in [*lines(result.judgement), *side_by_side(result.columns)]:
            print(line)
    return 1 if result.judgement.violations else 0


def _all_plants(options: argparse.Namespace) -> int:
    """Run each planted bug for a short while; 1 always, since each has to be caught."""
    caught: dict[str, list[str]] = {}
    for name, plant in PLANTS.items():
        say(f"plant {name} (rule {plant.rule})")
        wish = Wish(
            minutes=plant.minutes,
            seed=options.seed,
            database=options.database,
            plant=name,
            quiet_seconds=PLANT_QUIET_SECONDS,
        )
        caught[name] = [str(violation) for violation in run(wish).judgement.violations]
        for violation in caught[name] or ["NOT CAUGHT"]:
            say(f"  {violation}")
    if options.json:
        print(json.dumps({"plants": caught, "all_caught": all(caught.values())}))
        return 1
    for name, found in caught.items():
        print(f"{name}: {'NOT CAUGHT' if not found else ''}")
        for line in found:
            print(f"  {line}")
    missed = [name for name, found in caught.items() if not found]
    print(f"{len(caught) - len(missed)} of {len(caught)} plants caught")
    return 1


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run chaos", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="of bursts and calms (30)")
    parser.add_argument("--seed", type=int, default=1, help="decides which faults come when (1)")
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument(
        "--plant",
        choices=(*PLANTS, ALL),
        help="break a rule of the product on purpose, or each in turn; the exit code is then 1",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="do the same to plain django-celery-beat and django-celery-results, side by side",
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="leave logs, rows and testimony there"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    return parser


if __name__ == "__main__":
    sys.exit(main())
