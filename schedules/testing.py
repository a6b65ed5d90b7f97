"""For tests of jobs: the real claim, body and ending in this process, without a broker."""

from datetime import datetime
from typing import Any

from celery import Task, current_app
from celery.app.trace import build_tracer

from schedules.models import Job, Run
from schedules.querysets.clock import database_now
from schedules.registry import check_arguments, find
from schedules.states import Origin

__all__ = ["execute", "execute_run"]


def execute(
    task: Task[Any, Any], *args: Any, scheduled_at: datetime | None = None, **kwargs: Any
) -> Run:
    """Run `task` as a worker's child would, as if it had been due at `scheduled_at`; return its
    run.

    The run ends in the database with attempt and task result, also when the body raises. If the
    task has an installed job, the run is that job's. Raises InvalidInput for arguments that do not
    fit.
    """
    declaration = find(task.name)
    assert declaration is not None, f"{task.name} is not declared with @job"
    check_arguments(declaration, args, kwargs)
    now = database_now()
    job = Job.objects.filter(key=declaration.key).first()
    run = Run.objects.create(
        job=job,
        job_key=job.key if job else "",
        origin=Origin.CALL,
        task=task.name,
        args=list(args),
        kwargs=kwargs,
        options=declaration.call_options,
        scheduled_at=scheduled_at or now,
        due_at=now,
        publish_at=now,
    )
    return execute_run(run)


def execute_run(run: Run) -> Run:
    """Deliver the message of a planned run to its task in this process; return the run."""
    app: Any = current_app
    task = app.tasks[run.task]
    tracer = build_tracer(task.name, task, app=app._get_current_object())
    tracer(
        str(run.task_id), [], {}, {"id": str(run.task_id), "task": task.name, "delivery_info": {}}
    )
    run.refresh_from_db()
    return run
