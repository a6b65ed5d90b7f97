"""Is the scheduler well? One answer from facts, for `/healthz`, the CLI and any monitor."""

import logging
import pkgutil
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec

from celery import current_app
from django.apps import apps as django_apps
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from schedules.models import Instance
from schedules.querysets.clock import database_now
from schedules.states import InstanceKind, InstanceStatus

log = logging.getLogger(__name__)

BROKER_PATIENCE = timedelta(seconds=1)
BROKER_ANSWER_KEPT = timedelta(seconds=5)


class Part(StrEnum):
    """What is known of one part. Unknown: it could not be asked, because another part is away."""

    OK = "ok"
    DOWN = "down"
    UNKNOWN = "unknown"


class Overall(StrEnum):
    """Degraded: the record is kept and what is due waits. Down: nothing can be recorded."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The answer and its parts; `as_dict()` is what interfaces show, without any detail."""

    status: Overall
    beat: Part
    database: Part
    broker: Part

    def as_dict(self) -> dict[str, str]:
        """Return plain strings, in a fixed order."""
        return {name: str(value) for name, value in asdict(self).items()}


_migrated: set[tuple[str, ...]] = set()
"""What has been found migrated; it stays so as long as this process lives."""


def is_migrated(*apps: str) -> bool:
    """Whether the database has every table and column that this code knows, or that `apps` need.

    Raises DatabaseError when it does not answer.
    """
    if apps in _migrated:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    applied = _applied_migrations()
    if any(migration not in applied for migration in _known_migrations(apps)):
        return False
    _migrated.add(apps)
    return True


def _applied_migrations() -> set[tuple[str, str]]:
    """Return the migrations that the database has, by app and name; of an empty one, none."""
    recorder = MigrationRecorder(connection)
    try:
        return set(recorder.migration_qs.values_list("app", "name"))
    except DatabaseError:
        if recorder.has_table():  # asked only here: to list all tables takes long
            raise
        return set()


def _known_migrations(labels: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the migrations of these apps, or of all, by the names of their files: to import them
    takes a third of a Beat's start, and they stay in its memory.
    """
    for app in django_apps.get_app_configs():
        package, _ = MigrationLoader.migrations_module(app.label)
        if (labels and app.label not in labels) or package is None or not find_spec(package):
            continue
        for module in pkgutil.iter_modules(import_module(package).__path__):
            if not module.ispkg and module.name[0] not in "_~":
                yield app.label, module.name


def check_health() -> Health:
    """Ask database, Beats and broker. Never raises; takes little more than a second at worst.

    How long the database may take is decided by its own connection settings.
    """
    database, beat = _database_and_beat()
    broker = Part.OK if broker_probe.answers() else Part.DOWN
    if database is not Part.OK:
        overall = Overall.DOWN
    elif beat is Part.OK and broker is Part.OK:
        overall = Overall.OK
    else:
        overall = Overall.DEGRADED
    return Health(status=overall, beat=beat, database=database, broker=broker)


def _database_and_beat() -> tuple[Part, Part]:
    try:
        alive = Instance.objects.filter(kind=InstanceKind.BEAT).alive(database_now())
        ticking = alive.exclude(status=InstanceStatus.STARTING).exists()
    except (DatabaseError, OSError) as error:
        log.warning(
            "health: the database does not answer",
            extra={"action": "health_database_down", "error": type(error).__name__},
        )
        return Part.DOWN, Part.UNKNOWN
    return Part.OK, Part.OK if ticking else Part.DOWN


class BrokerProbe:
    """Asks whether the broker answers, and remembers the answer for a few seconds.

    The asking has a thread of its own: name look-ups and half-open connections keep to no time-out
    of ours. While one is under way no other is begun, so a dead broker costs one thread at most.
    """

    def __init__(
        self,
        ask: Callable[[], None],
        *,
        patience: timedelta = BROKER_PATIENCE,
        kept: timedelta = BROKER_ANSWER_KEPT,
    ) -> None:
        self._ask = ask
        self._patience = patience.total_seconds()
        self._kept = kept.total_seconds()
        self._lock = threading.Lock()
        self._answer: tuple[float, bool] | None = None
        self._pending: threading.Thread | None = None
        self._renewing: threading.Thread | None = None

    def answers(self) -> bool:
        """Whether the broker answered in time, now or as long ago as answers are kept."""
        with self._lock:
            # Only differences count here, so the clock of this process will do.
            if self._answer and time.monotonic() - self._answer[0] < self._kept:
                return self._answer[1]
            if self._pending is None or not self._pending.is_alive():
                self._pending = threading.Thread(
                    target=self._ask_once, name="broker-probe", daemon=True
                )
                self._heard = False
                self._pending.start()
            self._pending.join(self._patience)
            # An answer that comes later than the patience is none.
            heard = self._heard and not self._pending.is_alive()
            self._answer = (time.monotonic(), heard)
            return heard

    def glance(self) -> bool | None:
        """What is known without waiting; None while nothing is. Has an old answer renewed."""
        if self._lock.acquire(blocking=False):
            try:
                answer = self._answer
                is_old = answer is None or time.monotonic() - answer[0] >= self._kept
                if is_old and not (self._renewing and self._renewing.is_alive()):
                    self._renewing = threading.Thread(
                        target=self.answers, name="broker-glance", daemon=True
                    )
                    self._renewing.start()
            finally:
                self._lock.release()
        return None if self._answer is None else self._answer[1]

    def forget(self) -> None:
        """Drop the remembered answer."""
        with self._lock:
            self._answer = None

    def _ask_once(self) -> None:
        try:
            self._ask()
        except Exception as error:  # noqa: BLE001 - every broker library has errors of its own
            log.warning(
                "health: the broker does not answer",
                extra={"action": "health_broker_down", "error": type(error).__name__},
            )
        else:
            self._heard = True


def ask_broker() -> None:
    """Connect to the broker of the current Celery app and wait for a sign of life, or raise."""
    seconds = BROKER_PATIENCE.total_seconds()
    with current_app.connection_for_write(
        transport_options={"socket_timeout": seconds, "socket_connect_timeout": seconds},
        connect_timeout=seconds,
    ) as connection:
        # One try. Redis' transport pings when it connects; others are greeted by the broker.
        connection.ensure_connection(max_retries=0)


broker_probe = BrokerProbe(ask_broker)
"""The probe of this process."""
