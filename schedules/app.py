"""The Celery app class: every call of a declared task becomes a row before it becomes a message.

Use it in place of `celery.Celery`; tasks that nobody declared pass through it untouched.

The app is made while Django's settings are only being named, so what needs the models is imported
by the methods that use it.
"""

import os
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from celery import Celery, bootsteps
from celery.app.control import Control
from celery.result import AsyncResult

from schedules.registry import find, refuse_map_of_declared
from schedules.states import InstanceKind

POSITIONAL = (
    "countdown",
    "eta",
    "task_id",
    "producer",
    "connection",
    "router",
    "result_cls",
    "expires",
)
"""The parameters of `Celery.send_task` after the arguments, in its order."""


class LedgerControl(Control):
    """Revoking ends the run in the ledger; the broadcast only reaches what already executes."""

    def revoke(self, task_id: Any, *args: Any, **kwargs: Any) -> Any:
        """End waiting runs as cancelled, then tell the workers as Celery does."""
        from schedules.operations.cancel import cancel_runs

        task_ids = [task_id] if isinstance(task_id, (str, UUID)) else list(task_id)
        cancel_runs(_uuids(task_ids), reason="revoked")
        return super().revoke([str(one) for one in task_ids], *args, **kwargs)


class WorkerLease(bootsteps.StartStopStep):
    """Gives a worker its place among the instances, before its children exist.

    It ends with the process (`apps.py` listens for that), not with this step: a warm shutdown still
    waits for tasks, and what they own must not look abandoned.
    """

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        import billiard.pool

        from schedules.dispatch import LostChildren
        from schedules.lease import Lease, adopt

        super().__init__(worker, **options)
        # A child that ends waits until its parent has read its last words: up to 30 s, where the
        # parent ends too and reads no more. Ours has written its outcome to the database by then.
        billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 10
        lost = LostChildren()
        self.lease = Lease(InstanceKind.WORKER, worker.hostname, with_each=lost.take_back)
        # Now, because the pool forks next and the children claim in this worker's name.
        adopt(self.lease)

    def start(self, worker: Any) -> None:
        """Begin to renew."""
        self.lease.start()

    def terminate(self, worker: Any) -> None:
        """End at a cold shutdown, which sends no signal: others take its tasks back at once."""
        self.lease.stop()


class WorkerWatch(bootsteps.StartStopStep):
    """Lets a worker look out for a dead Beat and whatever else no run can report."""

    requires = (WorkerLease,)

    def start(self, worker: Any) -> None:
        """Begin to look."""
        from schedules.alerts.watch import Watcher

        self.watcher = Watcher()
        self.watcher.start()

    def stop(self, worker: Any) -> None:
        """Look no more."""
        self.watcher.stop()


class Downbeat(Celery):
    """Celery whose declared tasks are planned in the database."""

    task_cls = "schedules.task:JobTask"
    control_cls = "schedules.app:LedgerControl"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Celery would let each Beat and worker make Django's checks, and drop what they say. They
        # import all that an address leads to: a fifth of a Beat's memory, a third of its start.
        os.environ.setdefault("CELERY_SKIP_CHECKS", "yes")
        super().__init__(*args, **kwargs)
        self.steps["worker"].update([WorkerLease, WorkerWatch])
        self.steps["consumer"].add("schedules.intake:Intake")
        self.add_defaults(
            lambda: {
                "worker_consumer": "schedules.consumer:Consumer",
                "worker_pool": "schedules.prefork:TaskPool",
                # What was taken waits in the pool, which hands it on as soon as a child is back;
                # by default it waits until the end of the run before it is entered everywhere.
                "worker_pool_putlocks": False,
            }
        )

    def send_task(
        self, name: str, args: Any = None, kwargs: Any = None, *positional: Any, **options: Any
    ) -> AsyncResult[Any]:
        """Plan the call if `name` is declared, else send it. Takes what Celery's own takes."""
        declaration = find(name)
        if declaration is None:
            refuse_map_of_declared(name, kwargs)
            return super().send_task(name, args, kwargs, *positional, **options)
        from schedules.dispatch.calls import plan_call

        options |= dict(zip(POSITIONAL, positional, strict=False))
        task_type = options.pop("task_type", None)
        if task_type is None and name in self.tasks:
            # A call by name: the task's own options are its defaults, as in Celery.
            task: Any = self.tasks[name]
            defaults = task._get_exec_options()
            options = {k: v for k, v in defaults.items() if v is not None} | options
        return plan_call(self, declaration, args, kwargs, **options)


def _uuids(task_ids: Iterable[Any]) -> list[UUID]:
    found = []
    for task_id in task_ids:
        try:
            found.append(UUID(str(task_id)))
        except ValueError:
            continue  # not one of ours
    return found
