"""Beats and workers, what waits in the broker, and how quickly it is taken."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from schedules.dashboard.drawing.curves import scatter
from schedules.dashboard.flower import flower_of
from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.lengths import length
from schedules.health import broker_probe
from schedules.operations.attention import outbox
from schedules.operations.instances import load_of
from schedules.operations.outcomes import claim_delays, spread
from schedules.operations.queues import queue_lengths
from schedules.operations.status import scheduler_status


@page
def workers(reader: Reader) -> HttpResponse:
    """Show every instance of late, the queues, the outbox and the delay between due and begun."""
    status = scheduler_status(now=reader.now)
    delays = claim_delays(now=reader.now)
    waiting = outbox(now=reader.now)
    broker_answers = broker_probe.glance()
    known = spread([delay for _state, delay in delays])
    context = {
        "here": "workers",
        "status": status,
        "load": load_of(status.instances, now=reader.now),
        "broker_answers": broker_answers,
        # A broker that is known to be away is not waited for.
        "queues": queue_lengths() if broker_answers else None,
        "flower": flower_of(),
        "outbox": waiting,
        "is_outbox_stuck": waiting.is_stuck(now=reader.now),
        "delays": known,
        "drawing": scatter(
            [(state, delay, length(delay)) for state, delay in delays[-200:]],
            title=_("From due to begun"),
            p50=known.p50,
            p95=known.p95,
        )
        if delays
        else None,
    }
    return show(reader, "schedules/workers.html", context)
