"""`./run python -m tests.promises.model`: goes through every order of events and prints what it
finds; exit code 1 if the protocol breaks, or if one of its rules turns out not to be needed.
"""

import argparse
import sys
import time
from dataclasses import fields

from tests.promises.model.protocol import Rules
from tests.promises.model.search import Found, search


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.promises.model", description=__doc__)
    for name, default in (("occurrences", 2), ("beats", 2), ("workers", 2), ("faults", 2)):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N")
    size = vars(parser.parse_args())
    whole = _report("the protocol", Rules(), size, stop_at_first=False)
    broken = [
        _report(f"without {rule.name}", Rules(**{rule.name: False}), size, stop_at_first=True)
        for rule in fields(Rules)
    ]
    needed = all(found.violations for found in broken)
    _say("every rule is needed" if needed else "a rule is not needed")
    return 0 if needed and not whole.violations else 1


def _report(name: str, rules: Rules, size: dict[str, int], *, stop_at_first: bool) -> Found:
    begun = time.monotonic()
    found = search(rules, stop_at_first=stop_at_first, **size)
    seconds = time.monotonic() - begun
    _say(f"{name}: {found.worlds} worlds, {found.transitions} transitions, {seconds:.1f} s")
    for what, way in found.violations.items():
        steps = "; ".join(f"{step.action} {step.run}".removesuffix(" -1") for step, _ in way)
        _say(f"    {what}: {steps}")
    return found


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
