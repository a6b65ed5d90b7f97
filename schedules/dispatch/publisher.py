"""The thread of a Beat that talks to the broker."""

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from celery import current_app
from django.db import DatabaseError, InterfaceError, connection

from schedules import broker
from schedules.dispatch.publish import Sendable, publish
from schedules.dispatch.repair import forget_sending
from schedules.querysets.keeping import keep_connection

log = logging.getLogger(__name__)

DATABASE_AWAY = (DatabaseError, InterfaceError)

WATCH_SECONDS = 2.0
"""How often the broker is asked what it holds, at least."""

WATCH_MESSAGES = 1_000
"""After so many it is asked again: what a burst plans is then known to be behind the burst."""

MOST_HELD = 20_000
"""Runs kept in memory for the broker; of what is due beyond them only the rows are written."""

AT_ONCE = 1_000
"""Runs that go out, and are marked sent, together: so often there is room for others."""


class Publisher(threading.Thread):
    """Talks to the broker, so that no tick depends on it. What it does not get out, the outbox
    brings again.

    While one batch is on its way the next one gathers, so a burst needs few round trips.
    """

    def __init__(self) -> None:
        super().__init__(name="publisher", daemon=True)
        self.backlog: broker.Backlog | None = None
        """What waits in the broker; None before it was looked at."""
        self._broker = broker.Inquiry(current_app)
        self._waiting: list[Sendable] = []
        self._on_their_way = 0
        self._is_silent = False
        self._changed = threading.Condition()
        self._watch_at = 0.0
        self._unwatched = 0

    def has_room(self, seconds: float) -> bool:
        """Whether more runs can be handed over, which count as sent from then on.

        None is there while the broker has just refused something. Room is waited for, up to so many
        seconds; once that was in vain, no more until there is some.
        """
        if broker.breaker.is_open:
            return False
        # Of two threads that write by turns only, one would starve: it polls for its turn.
        most = MOST_HELD if connection.features.has_select_for_update_skip_locked else 0
        with self._changed:
            patience = 0.0 if self._is_silent else seconds
            has_room = self._changed.wait_for(lambda: self._held() <= most, timeout=patience)
            is_news, self._is_silent = not (has_room or self._is_silent), not has_room
        if is_news:
            log.warning("The broker is slow: until it is not, what is due is left to the outbox.")
        return has_room

    def hand_over(self, runs: Sequence[Sendable]) -> None:
        """Take runs to publish."""
        if not runs:
            return
        with self._changed:
            self._waiting.extend(runs)
            self._changed.notify_all()

    def go_first(self, seconds: float) -> None:
        """Return when everything handed over is out, or after so many seconds: two threads that
        work at once would only keep each other waiting.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._held(), timeout=seconds)

    def run(self) -> None:
        """Publish, and now and then look at the broker, for ever."""
        # Looked at first: what is published before our mark is there would count as forgotten.
        self._look_at_broker()
        if self.backlog not in (None, broker.FULL):
            self._make_ready()
        while True:
            with self._changed:
                self._on_their_way = 0
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting, timeout=WATCH_SECONDS)
                runs, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                self._on_their_way = len(runs)
            try:
                keep_connection()
                self._unwatched += publish(runs)
            except DATABASE_AWAY:
                connection.close()
            except Exception:
                log.exception(
                    "%d runs could not be published and are left to the outbox.", len(runs)
                )
            self._look_at_broker()

    def _make_ready(self) -> None:
        """Open what the first message goes through, while the first tick waits for the database."""
        # What is wrong with it, whoever publishes hears and says.
        with suppress(Exception), current_app.producer_or_acquire() as producer:
            producer.maybe_declare(current_app.amqp.default_queue)
            _ = current_app.backend

    def _held(self) -> int:
        return len(self._waiting) + self._on_their_way

    def _look_at_broker(self) -> None:
        try:
            self._watch()
        except DATABASE_AWAY:
            connection.close()
        except Exception:
            self.backlog = broker.FULL
            log.exception("The broker could not be looked at.", extra={"action": "watch_failed"})

    def _watch(self) -> None:
        """Note whether messages wait; send everything again if the broker has lost its memory."""
        if time.monotonic() < self._watch_at and self._unwatched < WATCH_MESSAGES:
            return
        self._watch_at, self._unwatched = time.monotonic() + WATCH_SECONDS, 0
        try:
            self.backlog = self._broker.backlog()
            lost = self._broker.has_lost_its_memory()
        except broker.AWAY:
            self.backlog = broker.FULL
            return
        again = forget_sending() if lost else 0
        if again:
            log.warning("The broker has lost its memory: %d runs are sent again.", again)
