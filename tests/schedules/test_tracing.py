"""One trace from the trigger to the result."""

import sys
from collections.abc import Callable, Iterator, Sequence

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from project import tracing as sending
from schedules import tracing
from schedules.models import Job, Run
from schedules.operations.trigger import trigger
from schedules.querysets.clock import database_now
from schedules.testing import execute_run
from tests.schedules import sample_jobs

EXPORTER = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def provider() -> None:
    """A process has one provider; the other tests of it are not looked at."""
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(made)


@pytest.fixture(autouse=True)
def spans() -> Iterator[Callable[[], Sequence[ReadableSpan]]]:
    EXPORTER.clear()
    yield EXPORTER.get_finished_spans
    EXPORTER.clear()


@pytest.mark.django_db
def test_a_trigger_and_its_run_are_one_trace(
    make_job: Callable[..., Job], spans: Callable[[], Sequence[ReadableSpan]]
) -> None:
    job = make_job("nightly", task="sample_jobs.call_add", args=[])

    run = execute_run(trigger(job, now=database_now(), by="siti", source="cli"))
    execute_run(Run.objects.get(parent_id=run.task_id))

    asked, body, child = sorted(spans(), key=lambda span: span.start_time or 0)
    assert [span.name for span in (asked, body, child)] == [
        "trigger",
        "run nightly",
        "run sample_jobs.add",
    ]
    assert len({span.context.trace_id for span in (asked, body, child) if span.context}) == 1
    assert body.parent is not None
    assert asked.context is not None
    assert body.parent.span_id == asked.context.span_id
    assert body.attributes is not None
    assert body.attributes["downbeat.run"] == str(run.task_id)
    assert body.attributes["downbeat.state"] == "succeeded"


@pytest.mark.django_db
def test_a_failure_is_an_error_of_its_span(
    make_run: Callable[..., Run], spans: Callable[[], Sequence[ReadableSpan]]
) -> None:
    execute_run(make_run("sample_jobs.report_failure", "the disk is full"))

    span = spans()[0]
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "the disk is full" in str(span.status.description)


@pytest.mark.django_db
def test_outside_of_a_trace_a_run_carries_nothing() -> None:
    assert tracing.carried() == {}
    sample_jobs.add.delay(1)

    assert tracing.OPTION not in Run.objects.get().options


def test_nothing_is_sent_unless_somebody_says_where() -> None:
    assert sending.start({}) is False


def test_an_endpoint_without_the_packages_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)
    sending.check({})

    with pytest.raises(SystemExit) as ended:
        sending.check({sending.ENDPOINT: "http://127.0.0.1:4318"})

    assert ended.value.code == 2
    assert "install the packages of the extra otel" in capsys.readouterr().err
