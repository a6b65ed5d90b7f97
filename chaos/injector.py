"""Doing faults: begins and ends each at its time, and notes what was really done."""

import heapq
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

from redis.exceptions import RedisError

from chaos.faults import Burst, Fault, Injected, Kind
from chaos.servers import DatabaseServer
from chaos.system import Ground, Target

HOUR = timedelta(hours=1)
REPLIES = 30
"""Among so many requests one is chosen whose reply is lost."""

End = Callable[[], None]
Victim = Callable[[Target], int]


class Injector:
    """Does faults to the ground and to every target on it. Use it from one thread."""

    def __init__(self, base: Ground, targets: Sequence[Target]) -> None:
        self.base = base
        self.targets = targets
        self.done: list[Injected] = []
        self._order = count()
        self._actions: dict[Kind, Callable[[Fault, Injected], End | None]] = {
            Kind.KILL_BEAT: self._kill_beat,
            Kind.TERM_BEAT: self._term_beat,
            Kind.FREEZE_BEAT: self._freeze_beat,
            Kind.KILL_WORKER: self._kill_worker,
            Kind.TERM_WORKER: self._term_worker,
            Kind.FREEZE_WORKER: self._freeze_worker,
            Kind.FREEZE_PAST_LEASE: self._freeze_worker,
            Kind.KILL_CHILD: self._kill_child,
            Kind.FREEZE_CHILD: self._freeze_child,
            Kind.FLUSH: self._flush,
            Kind.KILL_BROKER: self._kill_broker,
            Kind.CUT_BROKER: self._cut_broker,
            Kind.REFUSE_BROKER: self._refuse_broker,
            Kind.SILENCE_BROKER: self._silence_broker,
            Kind.LOSE_BROKER_REPLY: self._lose_broker_reply,
            Kind.STOP_DATABASE: self._stop_database,
            Kind.KILL_POSTMASTER: self._kill_postmaster,
            Kind.KILL_BACKEND: self._kill_backend,
            Kind.CUT_DATABASE: self._cut_database,
            Kind.REFUSE_DATABASE: self._refuse_database,
            Kind.SILENCE_DATABASE: self._silence_database,
            Kind.LOSE_DATABASE_REPLY: self._lose_database_reply,
            Kind.HOLD_ROWS: self._hold_rows,
            Kind.CLOCK_FORWARD: self._clock_forward,
            Kind.CLOCK_BACK: self._clock_back,
        }

    def inject(self, burst: Burst) -> list[Injected]:
        """Do a burst from its first to its last moment; return what could be done, in order."""
        began = time.monotonic()
        first = len(self.done)
        queue: list[tuple[float, int, Fault | Callable[[], None]]] = [
            (fault.at, next(self._order), fault) for fault in burst
        ]
        heapq.heapify(queue)
        while queue:
            at, _, what = heapq.heappop(queue)
            time.sleep(max(0.0, began + at - time.monotonic()))
            if not isinstance(what, Fault):
                what()
                continue
            ending = self._begin(what)
            if ending is not None:
                heapq.heappush(queue, (at + what.lasting, next(self._order), ending))
        return self.done[first:]

    def heal(self) -> None:
        """End whatever may still last, also in the middle of a burst. Safe to repeat."""
        for proxy in (self.base.to_broker, self.base.to_database):
            if proxy is not None:
                proxy.welcome()
                proxy.speak()
        if self.base.clock is not None:
            self.base.clock.shift(timedelta(0))
        for target in self.targets:
            for pid in target.stack.pids.values():
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGCONT)

    def _begin(self, fault: Fault) -> Callable[[], None] | None:
        """Begin a fault and return what ends and notes it; None if it is over, or impossible."""
        now = datetime.now(UTC)
        note = Injected(kind=fault.kind, began_at=now, ended_at=now)
        try:
            ending = self._actions[fault.kind](fault, note)
        except (OSError, RedisError):
            return None  # what it was aimed at is not there at the moment
        note.ended_at = datetime.now(UTC)
        self.done.append(note)
        if ending is None:
            return None

        def finish() -> None:
            ending()
            note.ended_at = datetime.now(UTC)

        return finish

    # Processes.

    def _kill_beat(self, fault: Fault, note: Injected) -> None:
        self._kill(lambda target: target.beat(fault.pick), signal.SIGKILL, note)

    def _term_beat(self, fault: Fault, note: Injected) -> None:
        self._kill(lambda target: target.beat(fault.pick), signal.SIGTERM, note)

    def _kill_worker(self, fault: Fault, note: Injected) -> None:
        self._kill(lambda target: target.worker(fault.pick), signal.SIGKILL, note)

    def _term_worker(self, fault: Fault, note: Injected) -> None:
        self._kill(lambda target: target.worker(fault.pick), signal.SIGTERM, note)

    def _kill_child(self, fault: Fault, note: Injected) -> None:
        self._kill(lambda target: target.child(fault.pick), signal.SIGKILL, note)

    def _freeze_beat(self, fault: Fault, note: Injected) -> End:
        return self._freeze(lambda target: target.beat(fault.pick), os.kill)

    def _freeze_worker(self, fault: Fault, note: Injected) -> End:
        return self._freeze(lambda target: target.worker(fault.pick), os.killpg)

    def _freeze_child(self, fault: Fault, note: Injected) -> End:
        return self._freeze(lambda target: target.child(fault.pick), os.kill)

    def _kill(self, victim: Victim, number: signal.Signals, note: Injected) -> None:
        note.killed |= set(self._signal(victim, os.kill, number))

    def _freeze(self, victim: Victim, send: Callable[[int, int], None]) -> End:
        pids = self._signal(victim, send, signal.SIGSTOP)

        def thaw() -> None:
            for pid in pids:
                with suppress(ProcessLookupError, PermissionError):
                    send(pid, signal.SIGCONT)

        return thaw

    def _signal(
        self, victim: Victim, send: Callable[[int, int], None], number: signal.Signals
    ) -> list[int]:
        """Signal one process of each target; raises ProcessLookupError when none is there."""
        reached: list[int] = []
        for target in self.targets:
            with suppress(OSError, KeyError):  # it has ended, and its supervisor starts it again
                pid = victim(target)
                send(pid, number)
                reached.append(pid)
        if not reached:
            raise ProcessLookupError
        return reached

    # The broker.

    def _flush(self, fault: Fault, note: Injected) -> None:
        self.base.broker.forget()

    def _kill_broker(self, fault: Fault, note: Injected) -> End:
        self.base.broker.kill()
        return self.base.broker.start

    def _cut_broker(self, fault: Fault, note: Injected) -> None:
        self.base.to_broker.cut()

    def _refuse_broker(self, fault: Fault, note: Injected) -> End:
        self.base.to_broker.refuse()
        return self.base.to_broker.welcome

    def _silence_broker(self, fault: Fault, note: Injected) -> End:
        self.base.to_broker.silence()
        return self.base.to_broker.speak

    def _lose_broker_reply(self, fault: Fault, note: Injected) -> None:
        self.base.to_broker.lose_reply(fault.pick % REPLIES)

    # The database.

    def _database(self) -> DatabaseServer:
        database = self.base.database
        assert database is not None
        if database.process is None or database.process.poll() is not None:
            raise ProcessLookupError
        return database

    def _stop_database(self, fault: Fault, note: Injected) -> End:
        self._database().crash(signal.SIGQUIT)
        return self._start_database

    def _kill_postmaster(self, fault: Fault, note: Injected) -> End:
        self._database().crash(signal.SIGKILL)
        return self._start_database

    def _start_database(self) -> None:
        assert self.base.database is not None
        self.base.database.start_again()

    def _kill_backend(self, fault: Fault, note: Injected) -> None:
        database = self._database()
        if not database.kill_backend(fault.pick):
            raise ProcessLookupError
        database.wait_recovered()

    def _cut_database(self, fault: Fault, note: Injected) -> None:
        assert self.base.to_database is not None
        self.base.to_database.cut()

    def _refuse_database(self, fault: Fault, note: Injected) -> End:
        assert self.base.to_database is not None
        self.base.to_database.refuse()
        return self.base.to_database.welcome

    def _silence_database(self, fault: Fault, note: Injected) -> End:
        assert self.base.to_database is not None
        self.base.to_database.silence()
        return self.base.to_database.speak

    def _lose_database_reply(self, fault: Fault, note: Injected) -> None:
        assert self.base.to_database is not None
        self.base.to_database.lose_reply(fault.pick % REPLIES)

    def _hold_rows(self, fault: Fault, note: Injected) -> End:
        return self._database().hold_rows(fault.pick)

    # The host.

    def _clock_forward(self, fault: Fault, note: Injected) -> End:
        return self._shift(HOUR)

    def _clock_back(self, fault: Fault, note: Injected) -> End:
        return self._shift(-HOUR)

    def _shift(self, by: timedelta) -> End:
        clock = self.base.clock
        assert clock is not None
        clock.shift(by)
        return lambda: clock.shift(timedelta(0))
