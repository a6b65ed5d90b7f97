"""Sending traces, where OTEL_EXPORTER_OTLP_ENDPOINT says where to."""

import os
from collections.abc import Mapping
from importlib.util import find_spec

from project.env import refuse

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORTER = "opentelemetry.exporter.otlp.proto.http"


def check(environment: Mapping[str, str]) -> None:
    """End the process with one line where an endpoint is named and the extra `otel` is missing.

    Asked while the settings are read, so that no part of the system starts without it.
    """
    if environment.get(ENDPOINT) and not _is_installed():
        refuse(ENDPOINT, environment[ENDPOINT], "install the packages of the extra otel, or unset")


def _is_installed() -> bool:
    try:
        return find_spec(f"{EXPORTER}.trace_exporter") is not None
    except ModuleNotFoundError:  # of what stands above it
        return False


def start(environment: Mapping[str, str] = os.environ) -> bool:
    """Set the exporter up for this process, once; False where no endpoint is named.

    OpenTelemetry's other variables count as it documents them. Ends the process as `check` does.
    """
    if not environment.get(ENDPOINT):
        return False
    check(environment)
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return True
    name = environment.get("OTEL_SERVICE_NAME", "downbeat")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True


def end() -> None:
    """Send what has not been sent. A worker's child ends without Python's own endings."""
    if not os.environ.get(ENDPOINT):
        return
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()
