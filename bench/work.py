"""What a work is given, and what it is: one measurement with a name, which returns its figures."""

import sys
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bench.environments import NotInstalled, peers_python
from bench.programs import ProgramFailed
from bench.report import Section

if TYPE_CHECKING:
    from bench.servers import Servers

Value = TypeVar("Value")

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for."""

    quick: bool = False
    database: str = "postgres"
    turns: int = 3
    sizes: Sequence[int] = SIZES
    plans: bool = False
    cache: Path = Path("var/bench")
    """Where the peers' environment is kept."""

    def size(self, full: int, *, quick: int) -> int:
        """Return how many of something there are: `quick` of them when little time is given."""
        return quick if self.quick else full


class Bench:
    """The servers, the peers' environment and the wish, for one work after another."""

    def __init__(self, wish: Wish, servers: "Servers") -> None:
        self.wish = wish
        self.servers = servers
        self._peers: Path | str = ""

    @property
    def quick(self) -> bool:
        """Whether little time is given: smaller sizes, whose figures keep no goal."""
        return self.wish.quick

    def peers(self) -> Path:
        """Return the Python of the peers' environment. Raises NotInstalled, each time."""
        if not self._peers:
            try:
                self._peers = peers_python(self.wish.cache, tell=say)
            except NotInstalled as error:
                self._peers = str(error)
        if isinstance(self._peers, str):
            raise NotInstalled(self._peers)
        return self._peers

    def in_turns(
        self,
        sides: Mapping[str, Callable[[], Value]],
        section: Section,
        *,
        turns: int = 0,
        once: Collection[str] = (),
    ) -> dict[str, list[Value]]:
        """Measure each side once in each turn, A B A B, and return what each gave.

        Those of `once`, which take minutes, have the first turn only. A side that needs the peers
        gives nothing where they cannot be had, and one whose program fails is not tried again; the
        section says why.
        """
        found: dict[str, list[Value]] = {name: [] for name in sides}
        given_up: dict[str, str] = {}
        turns = turns or self.wish.turns
        for turn in range(turns):
            skipped = {*given_up, *(once if turn else ())}
            for name in [name for name in sides if name not in skipped]:
                say(f"{name} ({turn + 1} of {turns})")
                try:
                    found[name].append(sides[name]())
                except NotInstalled as error:
                    given_up[name] = str(error)
                except ProgramFailed as error:
                    given_up[name] = f"not measured: {error}"
                    section.error = "not all of it could be measured"
                except Exception as error:  # noqa: BLE001 - its other sides' minutes must not be lost
                    traceback.print_exc()
                    first = str(error).partition("\n")[0][:200]
                    given_up[name] = f"not measured: {type(error).__name__}: {first}"
                    section.error = "not all of it could be measured"
        for name, why in given_up.items():
            say(f"{name}: {why}")
            section.texts.append(f"{name}: {why}")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One measurement; `measure` fills in its section."""

    name: str
    title: str
    measure: Callable[[Bench, Section], None]
    beside: bool = False
    """A program of its own, which --quick leaves out unless it is named."""

    minutes: tuple[float, float] = (1.0, 0.1)
    """About how long it takes on two quiet cores: at full size in three turns, and quick."""

    def expected_minutes(self, wish: Wish) -> float:
        """Return about how long it will take."""
        full, quick = self.minutes
        return quick if wish.quick else full * max(wish.turns, 1.5) / 3  # the filling is once


def say(line: str) -> None:
    """Tell on stderr what is being done."""
    sys.stderr.write(f"bench: {line}\n")
    sys.stderr.flush()
