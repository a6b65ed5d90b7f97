"""Dying at every step: an operation runs in a forked child, which is killed before its n-th step.

Or the child lives, and loses its connection to the database or broker at that step: before it, or
after it, when the answer is lost.

A step is whatever is seen outside the process: a statement, a commit, a message sent or taken.
Nothing outside changes between two steps, so "before step n + 1" is also "after step n", and the
trial in which the operation completes is the crash after its last one.
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
) -> int:
    """Try `operate` on what `arrange` makes, dying before each of its steps; return their number.

    After each death Beat and a worker recover what is left, once `repair` has done what the caller
    of the operation would do, and `check` looks at the result.
    """
    fatal = 0
    completed = False
    while not completed:
        fatal += 1
        empty()
        arranged = arrange()
        completed = completes(
            lambda: operate(arranged),  # noqa: B023 - called at once
            fatal=fatal,
            lease=make_instance(),
            torn=torn,
            fault=fault,
        )
        try:
            repair(arranged)
            recover()
            check(arranged)
        except Exception as error:
            error.add_note(f"after a death before step {fatal}")
            raise
    return fatal


def completes(
    operation: Callable[[], object], *, fatal: int, lease: Lease, torn: bool, fault: Fault
) -> bool:
    """Run `operation` in a child that meets the fault at its step number `fatal`, from 1.

    True if it came to its end before that. The child claims under `lease`. A `torn` child commits
    after each statement, as if the code had no transactions. Raises AssertionError if the
    operation raised, with its traceback; after a lost connection it may.
    """
    if connection.vendor == "sqlite":
        connection.close()  # SQLite must not be carried over a fork
    gc.freeze()  # the child's collector would otherwise touch, and so copy, every page
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        trouble = Trouble(fatal, fault, torn=torn)
        _be_the_child(operation, lease, trouble, writing)
    os.close(writing)
    with os.fdopen(reading) as said:
        last_words = said.read()
    _, status = os.waitpid(pid, 0)
    _wait_for_its_connection()
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return False
    code = os.WEXITSTATUS(status)
    assert code in (COMPLETED, LIVED_ON), last_words
    return code == COMPLETED


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
    """Counts the steps of this process, and does the fault at the fatal one."""

    def __init__(self, fatal: int, fault: Fault, *, torn: bool) -> None:
        self.fatal = fatal
        self.fault = fault
        self.torn = torn
        self.begun = 0

    @property
    def happened(self) -> bool:
        """Whether the fatal step was reached."""
        return self.begun >= self.fatal

    def step(self, do: Callable[[], Any], sever: Callable[[], NoReturn]) -> Any:
        """Do one step; at the fatal one `sever`, which raises what the code would see."""
        self.begun += 1
        if self.begun != self.fatal:
            return do()
        if self.fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "unanswered":
            do()
        return sever()

    @contextmanager
    def in_this_process(self) -> Iterator[None]:
        """Watch the process's one database connection and all its connections to the broker."""

        def statement(execute: Any, *given: Any) -> Any:
            result = self.step(lambda: execute(*given), _sever_database)
            if self.torn and connection.connection is not None:
                connection.connection.commit()
            return result

        def commit(wrapped: BaseDatabaseWrapper) -> Any:
            return self.step(lambda: commit_really(wrapped), _sever_database)

        def send(wrapped: AbstractConnection, command: Any, *given: Any, **named: Any) -> Any:
            def do() -> Any:
                return send_really(wrapped, command, *given, **named)

            packed = b"".join(command) if isinstance(command, list) else command
            if any(mark in packed for mark in MESSAGES):
                return self.step(do, _sever_broker)
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
