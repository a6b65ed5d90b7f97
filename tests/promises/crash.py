"""Dying at every step: an operation runs in a forked child, which is killed before its n-th step.

Or the child lives, and loses its connection to the database or broker at that step: before it, or
after it, when the answer is lost.

A step is whatever is seen outside the process: a statement, a commit, a message sent or taken.
Nothing outside changes between two steps, so "before step n + 1" is also "after step n", and the
trial in which the operation completes is the crash after its last one.

A death leaves behind what was committed and what was sent. So deaths between which nothing of that
kind was done, such as those before two statements of one transaction, are the same death, and it is
tried once. Lost connections are tried at each step: the child lives on, and knows where it was.
"""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NoReturn, TypeVar

from celery import current_app
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from redis.connection import AbstractConnection

from project.devstack.waiting import wait_until
from schedules.lease import Lease, adopt
from tests.promises.world import empty, make_instance, recover

Arranged = TypeVar("Arranged")
Fault = Literal["killed", "severed", "unanswered"]
COMPLETED, FAILED, LIVED_ON = 0, 70, 71
"""Exit codes of the child: without a fault, with an error of its own, after a lost connection."""

MESSAGES = (b"PUSH\r\n", b"POP\r\n")
"""What a broker's command has in it that sends or takes a message; others ask."""

_parents: list[Any] = []
"""Connections that a child inherits. Closing them would end the parent's; so they are kept."""


def die_at_every_step(
    arrange: Callable[[], Arranged],
    operate: Callable[[Arranged], object],
    check: Callable[[Arranged], None],
    *,
    torn: bool = False,
    fault: Fault = "killed",
    repair: Callable[[Arranged], object] = lambda _: None,
    each: bool = False,
) -> int:
    """Try `operate` on what `arrange` makes, dying before each of its steps; return how often.

    After each death Beat and a worker recover what is left, once `repair` has done what the caller
    of the operation would do, and `check` looks at the result. With `each`, deaths that leave the
    same behind are tried too: needed where the operation does things that are no steps.
    """
    fatal: int | None = 0
    trials = 0
    while fatal is not None:
        trials += 1
        empty()
        arranged = arrange()
        fatal = meets(
            lambda: operate(arranged),  # noqa: B023 - called at once
            earliest=fatal + 1,
            lease=make_instance(),
            torn=torn,
            fault=fault,
            each=each,
        )
        try:
            repair(arranged)
            recover()
            check(arranged)
        except Exception as error:
            error.add_note(f"after a death before step {fatal}" if fatal else "after no death")
            raise
    return trials


def meets(
    operation: Callable[[], object],
    *,
    earliest: int,
    lease: Lease,
    torn: bool,
    fault: Fault,
    each: bool,
) -> int | None:
    """Run `operation` in a child that meets the fault at step `earliest`, from 1, or soon after.

    Returns the number of the step, None if the child came to its end before. The child claims under
    `lease`. A `torn` child commits after each statement, as if the code had no transactions. Raises
    AssertionError if the operation raised, with its traceback; after a lost connection it may.
    """
    if connection.vendor == "sqlite":
        connection.close()  # SQLite must not be carried over a fork
    gc.freeze()  # the child's collector would otherwise touch, and so copy, every page
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        trouble = Trouble(
            earliest,
            fault,
            torn=torn,
            each=each or fault != "killed",
            tell=lambda step: os.write(writing, str(step).encode()),
        )
        _be_the_child(operation, lease, trouble, writing)
    os.close(writing)
    with os.fdopen(reading) as said:
        last_words = said.read()
    _, status = os.waitpid(pid, 0)
    _wait_for_its_connection()
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return int(last_words)
    code = os.WEXITSTATUS(status)
    assert code in (COMPLETED, LIVED_ON), last_words
    return None if code == COMPLETED else earliest


def _be_the_child(
    operation: Callable[[], object], lease: Lease, trouble: "Trouble", writing: int
) -> NoReturn:
    code = FAILED
    try:
        _parents.append(connection.connection)
        connection.connection = None
        app: Any = current_app
        app._pool = app.amqp._producer_pool = None
        adopt(lease)
        with trouble.in_this_process():
            operation()
        code = LIVED_ON if trouble.happened else COMPLETED
    except BaseException:  # noqa: BLE001 - whatever it is, the parent raises it
        code = LIVED_ON if trouble.happened else FAILED
        os.write(writing, traceback.format_exc().encode())
    finally:
        sys.stdout.flush()
        os._exit(code)


class Trouble:
    """Counts the steps of this process, and does the fault at step `earliest`.

    Without `each` it is done at the first step from there on before which something has changed
    outside. Before a death `tell` gets the step's number.
    """

    def __init__(
        self,
        earliest: int,
        fault: Fault,
        *,
        torn: bool,
        each: bool,
        tell: Callable[[int], object],
    ) -> None:
        self.earliest = earliest
        self.fault = fault
        self.torn = torn
        self.each = each
        self.tell = tell
        self.begun = 0
        self.has_changed = True
        """Whether a death now leaves something else behind than one before the latest step."""
        self.happened = False

    def step(self, do: Callable[[], Any], sever: Callable[[], NoReturn], *, changes: bool) -> Any:
        """Do one step; at the fatal one `sever`, which raises what the code would see."""
        self.begun += 1
        is_due = self.begun >= self.earliest and not self.happened
        if not is_due or not (self.each or self.has_changed):
            self.has_changed = changes
            return do()
        self.happened = True
        if self.fault == "killed":
            self.tell(self.begun)
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "unanswered":
            do()
        return sever()

    @contextmanager
    def in_this_process(self) -> Iterator[None]:
        """Watch the process's one database connection and all its connections to the broker."""

        def statement(execute: Any, *given: Any) -> Any:
            is_open = connection.in_atomic_block and not self.torn
            changes = not (is_open or str(given[0]).startswith(("BEGIN", "SELECT")))
            result = self.step(lambda: execute(*given), _sever_database, changes=changes)
            if self.torn and connection.connection is not None:
                connection.connection.commit()
            return result

        def commit(wrapped: BaseDatabaseWrapper) -> Any:
            return self.step(lambda: commit_really(wrapped), _sever_database, changes=True)

        def send(wrapped: AbstractConnection, command: Any, *given: Any, **named: Any) -> Any:
            def do() -> Any:
                return send_really(wrapped, command, *given, **named)

            packed = b"".join(command) if isinstance(command, list) else command
            if any(mark in packed for mark in MESSAGES):
                return self.step(do, _sever_broker, changes=True)
            self.has_changed = True  # for all we know
            return do()

        wrapper: Any = BaseDatabaseWrapper
        commit_really, wrapper._commit = wrapper._commit, commit
        broker: Any = AbstractConnection
        send_really, broker.send_packed_command = broker.send_packed_command, send
        with connection.execute_wrapper(statement):
            yield


def _sever_database() -> NoReturn:
    """End the connection below Django, as a network does."""
    connection.connection.close()
    raise OperationalError("the connection was lost")


def _sever_broker() -> NoReturn:
    raise ConnectionError("the connection was lost")


def _wait_for_its_connection() -> None:
    """Return once PostgreSQL has noticed the child's end, and rolled back what it had begun."""
    if connection.vendor == "sqlite":
        return

    def is_alone() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            return bool(cursor.fetchone()[0] == 0)

    wait_until(is_alone, what="the end of the child's connection")
