"""What is sent to OpenTelemetry over the wire: one trace from a command line to every result."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from project.devstack.waiting import wait_until
from schedules.models import Job, Run
from tests.stack.facts import ended
from tests.stack.system import System

pytestmark = pytest.mark.stack

QUEUE = "traced"


class Receiver:
    """A receiver of OTLP over HTTP that keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[tuple[str, ExportTraceServiceRequest]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.received.append((self.path, ExportTraceServiceRequest.FromString(body)))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def variables(self) -> dict[str, str]:
        """What has to be said to a process whose traces are to come here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server.server_port}"}

    @property
    def spans(self) -> dict[str, Any]:
        """What has come, by the names of the spans."""
        return {
            span.name: span
            for _, request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    def close(self) -> None:
        """Receive no more."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    started = Receiver()
    yield started
    started.close()


@pytest.fixture
def traced_job(running: System) -> Iterator[str]:
    """A job that makes a call, both for a queue of their own."""
    often, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
    task = PeriodicTask.objects.create(
        name="traced",
        task="stack_jobs.call_another",
        interval=often,
        args="[1]",
        kwargs=json.dumps({"queue": QUEUE}),
        queue=QUEUE,
    )
    wait_until(Job.objects.filter(key="traced").exists, what="the job")
    yield "traced"
    task.delete()


def test_a_trigger_its_run_and_the_calls_of_its_body_are_one_trace(
    running: System, receiver: Receiver, traced_job: str
) -> None:
    worker = running.start_worker(QUEUE, concurrency=1, queue=QUEUE, variables=receiver.variables)
    command = ("manage.py", "scheduler", "trigger", traced_job, "--wait", "--json")

    done = running.run(*command, variables=receiver.variables)
    run = json.loads(done.stdout)["executionId"]
    call = ended(str(Run.objects.get(parent_id=run).task_id))
    worker.container.teardown()  # so that its child has sent all

    spans = receiver.spans
    assert set(spans) == {"trigger", "run traced", f"run {call.task}"}
    asked, ran, called = spans["trigger"], spans["run traced"], spans[f"run {call.task}"]
    assert {span.trace_id for span in (ran, called)} == {asked.trace_id}
    assert [span.parent_span_id for span in (asked, ran, called)] == [
        b"",
        asked.span_id,
        ran.span_id,
    ]
    told = {each.key: each.value.string_value for each in called.attributes}
    assert told["downbeat.run"] == str(call.task_id)
    assert told["downbeat.state"] == call.state == "succeeded"
    assert {path for path, _ in receiver.received} == {"/v1/traces"}
