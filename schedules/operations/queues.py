"""What waits in the broker's queues."""

from celery import current_app

from schedules import broker
from schedules.models import Job

PATIENCE = 1.0  # seconds, for the broker


def queue_lengths() -> dict[str, int] | None:
    """Return the messages in each queue that workers read by default or that a job names.

    None when the broker does not answer within a second.
    """
    app = current_app
    named = Job.objects.existing().exclude(queue="").order_by().values_list("queue", flat=True)
    wanted = list(dict.fromkeys([*app.amqp.queues, *named.distinct()]))
    patience = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    try:
        return broker.depths(app, wanted, transport_options=patience, connect_timeout=PATIENCE)
    except broker.AWAY:
        return None
