"""One trace from whoever asks for a run to its result, where OpenTelemetry is installed.

The trace's context travels in the run's options, so that it outlives broker, retries and restarts.
Without the packages of the extra `otel`, or without a set-up, nothing here does anything.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from importlib.util import find_spec
from typing import Any, ParamSpec, TypeVar

INSTALLED = find_spec("opentelemetry") is not None
if INSTALLED:
    from opentelemetry import propagate, trace

OPTION = "trace"
"""The option of a run under which its context is kept."""

P = ParamSpec("P")
R = TypeVar("R")


def carried() -> dict[str, Any]:
    """Return the option that lets a run go on with the present trace; empty outside of one."""
    if not INSTALLED or not trace.get_current_span().get_span_context().is_valid:
        return {}
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return {OPTION: carrier}


@contextmanager
def span(
    name: str, *, options: Mapping[str, Any] | None = None, **attributes: str | int
) -> Iterator[None]:
    """Work inside a span: below the one that a run's `options` carry, else below the present one.

    What is raised passes through and says nothing: `note_outcome` does.
    """
    carrier = (options or {}).get(OPTION)
    if not INSTALLED or (carrier is None and not _is_set_up()):
        yield
        return
    parent = propagate.extract(carrier) if isinstance(carrier, dict) else None
    with trace.get_tracer("downbeat").start_as_current_span(
        name,
        context=parent,
        attributes={f"downbeat.{key}": value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ):
        yield


def _is_set_up() -> bool:
    """Whether spans go anywhere. Where they do not, only a trace that is carried has to go on."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def traced(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have every call of a function be a span."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name):
                return function(*args, **kwargs)

        return call

    return wrap


def note_outcome(state: str, error: str = "") -> None:
    """Say on the present span how the run ended."""
    if not INSTALLED:
        return
    current = trace.get_current_span()
    current.set_attribute("downbeat.state", state)
    if error:
        current.set_status(trace.StatusCode.ERROR, error[:1000])
