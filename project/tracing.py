"""Sending traces, where OTEL_EXPORTER_OTLP_ENDPOINT says where to."""

import os
from collections.abc import Mapping

from project.env import refuse

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def start(environment: Mapping[str, str] = os.environ) -> bool:
    """Set the exporter up for this process, once; False where no endpoint is named.

    OpenTelemetry's other variables count as it documents them. Ends the process with one line when
    an endpoint is named and the packages of the extra `otel` are missing.
    """
    if not environment.get(ENDPOINT):
        return False
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        refuse(ENDPOINT, environment[ENDPOINT], "install the packages of the extra otel, or unset")
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return True
    name = environment.get("OTEL_SERVICE_NAME", "downbeat")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True
